import re

# What makes an origin, or a token (RFC 9110, section 5.6.2), unfit to be sent back. Expressions find it without
# allocating, and without interning a client's characters for good, as stepping through a string would.
_NOT_VISIBLE = re.compile("[^!-~]")
_NOT_TOKEN = re.compile("[^!#-'*+.0-9A-Z^-z|~-]")


class CORS:
    """Add CORS headers to HTTP responses.

    The parameters are also attributes, and a change to one holds from the next response: by assignment, and inside
    a list too.

    :param app: The application to add CORS headers to.
    :param allowed_origins: A list of the origins that may read responses, each as browsers send it, for example
                            ``https://example.com`` (no path, no final slash, no capitals in the host). One string
                            is a list of one. ``'*'`` allows every origin, ``None`` and ``[]`` none.
    :param allow_credentials: ``True`` lets the pages of listed origins send cookies and authentication. With
                              ``'*'`` browsers refuse it, and only requests without credentials work.
    :param allowed_methods: A list of the methods that a preflight request grants, in any case. If not set, it grants
                            what it is asked for.
    :param expose_headers: A list of the response headers that pages may read.
    :param allowed_headers: A list of the request headers that a preflight request grants, in any case. If not set,
                            it grants what it is asked for.
    :param max_age: For how many seconds browsers may keep the answer to a preflight request: ``0`` is not at all,
                    ``None`` leaves it to the browser.
    :param handle_cors: If set to ``False``, responses get only the headers that the application takes from
                        :meth:`get_cors_headers`.
    """

    #: The status code that answers preflight requests. Assign 200 for clients that cannot take a 204.
    preflight_status = 204

    # What :meth:`_answer` found last: six things that it depends on, and then the two parts of the answer.
    _last = (None,) * 8

    def __init__(
        self,
        app=None,
        allowed_origins=None,
        allow_credentials=False,
        allowed_methods=None,
        expose_headers=None,
        allowed_headers=None,
        max_age=None,
        handle_cors=True,
    ):
        self.allowed_origins = allowed_origins
        self.allow_credentials = allow_credentials
        self.allowed_methods = allowed_methods
        self.expose_headers = expose_headers
        self.allowed_headers = allowed_headers and _lower(allowed_headers)
        self.max_age = max_age
        self.default_options_handler = None
        self._late = self._vary  # one object, so that adding it to a list of hooks allocates nothing
        # MicroPython interns attribute names, and the case folding of a header look-up is free for such strings.
        hasattr(self, "access-control-request-method")
        hasattr(self, "access-control-request-headers")
        if app is not None:
            self.initialize(app, handle_cors)

    @property
    def allowed_origins(self):
        return self._origins

    @allowed_origins.setter
    def allowed_origins(self, origins):
        if isinstance(origins, str):
            if origins != "*":
                origins = [origins]
        elif origins is not None and not isinstance(origins, list):
            origins = list(origins)
        self._origins = origins

    def initialize(self, app, handle_cors=True):
        """Initialize the CORS object for the given application.

        :param app: The application to add CORS headers to. One object may serve several applications.
        :param handle_cors: If set to ``False``, responses get only the headers that the application takes from
                            :meth:`get_cors_headers`.
        """
        if self.default_options_handler is None:
            self.default_options_handler = app.options_handler
        if not handle_cors:
            app.after_error_request(self._late)
        elif self not in app.after_request_handlers:
            app.after_request(self)
            app.after_error_request(self)

    def options_handler(self, request):
        """Return the headers that answer an OPTIONS request, as a dictionary.

        Applications need not call this: they keep their own OPTIONS handler, and :meth:`after_request` completes
        its answer.
        """
        headers = (self.default_options_handler or request.app.default_options_handler)(request)
        headers.update(self.get_cors_headers(request))
        return headers

    def get_cors_headers(self, request):
        """Return a new dictionary with the CORS headers that answer a request.

        :param request: The request to add CORS headers to.

        When the response is ready, ``Origin`` is also added to its ``Vary`` header, if needed.
        """
        headers = self._headers(request)
        if request.vary and self._late not in request.after_request_handlers:
            request.after_request_handlers.append(self._late)
        return headers

    def _headers(self, request):
        headers = {}
        origins = self._origins
        origin = request.headers.get("Origin")
        method = request.cors = (
            origin and request.method == "OPTIONS" and request.headers.get("access-control-request-method")
        )
        request.vary = False
        if origins == "*":
            if not origin or self.allow_credentials or len(origin) > 512 or _NOT_VISIBLE.search(origin):
                origin = "*"
        elif not origins:
            return headers
        elif not origin or origin == "*" or origin not in origins:
            request.vary = True
            return headers
        request.vary = origin != "*"
        headers["Access-Control-Allow-Origin"] = origin
        if self.allow_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        names = method and request.headers.get("access-control-request-headers")
        last = self._last
        if (
            last[0] != self.expose_headers
            or method
            and (
                last[1] != method
                or last[2] != names
                or last[3] != self.allowed_methods
                or last[4] != self.allowed_headers
                or last[5] != self.max_age
            )
        ):
            last = self._answer(method, names)
        if last[6]:
            headers["Access-Control-Expose-Headers"] = last[6]
        if method:
            headers.update(last[7])
        return headers

    def _answer(self, method, names):
        # Lists are compared as they were, since they may be changed in place.
        expose, methods, allowed, age = self.expose_headers, self.allowed_methods, self.allowed_headers, self.max_age
        headers = {}
        if method and (not _NOT_TOKEN.search(method) if methods is None else method.lower() in _lower(methods)):
            upper = method.upper()
            headers["Access-Control-Allow-Methods"] = (
                upper if upper in ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT") else method
            )
            if age is not None:
                headers["Access-Control-Max-Age"] = str(max(0, int(age)))
            if names and names.count(",") < 64:
                granted = []
                for name in names.split(","):
                    name = name.strip(" \t")
                    if name and (
                        not _NOT_TOKEN.search(name)
                        if allowed is None
                        else name != "*" and name.lower() in _lower(allowed)
                    ):
                        granted.append(name)
                if allowed is not None or len(granted) <= names.count(",") or "\t" in names:
                    granted = ", ".join(granted)
                else:
                    granted = names
                if granted:
                    headers["Access-Control-Allow-Headers"] = granted
        last = (
            _copy(expose),
            method,
            names,
            _copy(methods),
            _copy(allowed),
            age,
            expose if isinstance(expose, str) else expose and ", ".join(expose),
            headers,
        )
        if not names or len(names) < 256:
            self._last = last
        return last

    def after_request(self, request, response):
        """Put the CORS headers on a response, in place of any that it has.

        A preflight request that no route answers gets the status code :attr:`preflight_status`.
        """
        if not request:
            return
        headers = response.headers
        for name in headers:
            if len(name) > 15 and name[:15].lower() == "access-control-":
                # A new dictionary: the response may be shared with a request that is being answered right now.
                response.headers = type(headers)()
                for name, value in headers.items():
                    if name[:15].lower() != "access-control-":
                        response.headers[name] = value
                break
        headers = self._headers(request)
        for name in headers:
            hasattr(self, name.lower())
            response.headers[name] = headers[name]
        if request.cors and request.route is None and response.status_code == 200 and not response.body:
            response.status_code = self.preflight_status
            if response.status_code == 204:
                response.reason = "No Content"
                response.body = None  # bytes, even none of them, would get a Content-Length (RFC 9110, section 8.6)
        if request.vary:
            self._vary(request, response)
            last = request.app.after_request_handlers
            if not last or last[-1] is not self:
                request.after_request_handlers.append(self._late)

    __call__ = after_request

    def _vary(self, request, response):
        if not getattr(request, "vary", None):
            return
        headers = response.headers
        if "Access-Control-Allow-Origin" not in headers:
            value = headers.get("Cache-Control")
            if "no-store" in str(value).lower() or not (
                value or "ETag" in headers or "Expires" in headers or "Last-Modified" in headers
            ):
                return
        names = headers.get("Vary")
        more = getattr(request.g, "_vary", None)
        if not more:
            if not names:
                headers["Vary"] = names = "Origin"
            if names == "Origin":
                return
        names = (",".join(names) if isinstance(names, list) else names or "") + ",Origin"
        if more:
            names += "," + ",".join(more)
            del request.g._vary  # or Microdot would merge it again, in any order
        vary = ""
        for name in names.split(","):
            name = name.strip()
            if name and name.lower() not in vary.lower().split(", "):
                vary += ", " + name
        # Microdot's dictionary would not find a name in lower case by any other, and add a second header.
        headers["vary" if names[0] != "," else "Vary"] = "*" if "*" in vary.split(", ") else vary[2:]


def _lower(names):
    return (names if isinstance(names, str) else "\n".join(names)).lower().split("\n")


def _copy(names):
    return list(names) if isinstance(names, list) else names
