import re

# What no token has (RFC 9110, section 5.6.2). An expression finds it without allocating, and without interning the
# client's characters for good, as stepping through a string would.
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

    # The origin that was last found fit to be reflected, and what :meth:`_add` found last.
    _sound = None
    _last = [None] * 8

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
        int(max_age or 0)  # a mistake is raised here, and not with every preflight request
        self.default_options_handler = None
        self._late = self._vary  # one object, so that adding it to a list of hooks allocates nothing
        # MicroPython interns attribute names, and the case folding of a header look-up is free for such strings.
        hasattr(self, "origin")
        hasattr(self, "Access-Control-Request-Method".lower())
        hasattr(self, "Access-Control-Request-Headers".lower())
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
        # A function that needs more than eleven words for its variables gets them from the heap.
        origins = self._origins
        origin = sent = request.headers.get("Origin")
        if origins == "*":
            if not sent or self.allow_credentials:
                origin = "*"
            elif sent != self._sound:
                # No browser sends one that is not made of tokens, these four, and less than this.
                origin = sent.replace(":", "").replace("/", "").replace("[", "").replace("]", "")
                if len(origin) > 512 or _NOT_TOKEN.search(origin):
                    origin = "*"
                else:
                    self._sound = origin = sent
        elif not origins:
            return {}
        elif not sent or sent == "*" or sent not in origins:
            origin = None
        if origin != "*" and self._late not in request.after_request_handlers:
            request.after_request_handlers.append(self._late)
        if not origin:
            return {}
        headers = {"Access-Control-Allow-Origin": origin}
        if self.allow_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if self.expose_headers or request.method == "OPTIONS":
            self._add(request, headers, sent)
        return headers

    def _add(self, request, headers, sent):
        # All but the origin is kept for the next request that asks for the same, with copies of the lists, to see
        # a change inside them.
        method = sent and request.method == "OPTIONS" and request.headers.get("Access-Control-Request-Method")
        names = method and request.headers.get("Access-Control-Request-Headers")
        expose = self.expose_headers
        methods = self.allowed_methods
        allowed = self.allowed_headers
        age = self.max_age
        last = self._last
        if (
            last[0] != expose
            or method
            and (last[1] != method or last[2] != names or last[3] != methods or last[4] != allowed or last[5] != age)
        ):
            last = [
                None if expose is None else list(expose),
                method,
                names,
                None if methods is None else list(methods),
                None if allowed is None else list(allowed),
                age,
                expose if isinstance(expose, str) else expose and ", ".join(expose),
                {},
            ]
            # Listed or not, it has to be a token: CPython folds the case of other letters into ASCII too.
            if method and not _NOT_TOKEN.search(method) and (methods is None or method.lower() in _lower(methods)):
                upper = method.upper()
                last[7]["Access-Control-Allow-Methods"] = (
                    upper if upper in ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT") else method
                )
                if age is not None:
                    last[7]["Access-Control-Max-Age"] = str(max(0, int(age)))
                if names and names.count(",") < 64:
                    granted = []
                    if allowed is not None:
                        allowed = _lower(allowed)
                    for name in names.split(","):
                        name = name.strip(" \t")
                        if (
                            name
                            and not _NOT_TOKEN.search(name)
                            and (allowed is None or name != "*" and name.lower() in allowed)
                        ):
                            granted.append(name)
                    if allowed is not None or len(granted) <= names.count(",") or "\t" in names:
                        names = ", ".join(granted)
                    if names:
                        last[7]["Access-Control-Allow-Headers"] = names
            if len(method or "") + len(last[2] or "") < 256:
                self._last = last
        if last[6]:
            headers["Access-Control-Expose-Headers"] = last[6]
        if method:
            headers.update(last[7])

    def after_request(self, request, response):
        """Put the CORS headers on a response, in place of any that it has.

        A preflight request that no route answers gets the status code :attr:`preflight_status`.
        """
        if not request:
            return
        headers = response.headers
        for name in headers:
            if len(name) > 15 and name[6:15].lower() == "-control-":  # Access-Control-, in any case
                # A new dictionary: the response may be shared with a request that is being answered right now.
                response.headers = type(headers)()
                for name, value in headers.items():
                    if name[6:15].lower() != "-control-":
                        response.headers[name] = value
                break
        headers = self.get_cors_headers(request)
        for name in headers:
            hasattr(self, name.lower())
            response.headers[name] = headers[name]
        if (
            request.method == "OPTIONS"
            and request.route is None
            and response.status_code == 200
            and not response.body
            and request.headers.get("Origin")
            and request.headers.get("Access-Control-Request-Method")
        ):
            response.status_code = self.preflight_status
            if response.status_code == 204:
                response.reason = "No Content"
                response.body = None  # bytes, even none of them, would get a Content-Length (RFC 9110, section 8.6)
        self._vary(request, response)
        # The very last hook does it again, unless this was the last.
        last = request.app.after_request_handlers
        if last and last[-1] is self and self._late in request.after_request_handlers:
            request.after_request_handlers.remove(self._late)

    __call__ = after_request

    def _vary(self, request, response):
        if not request or self._late not in request.after_request_handlers:
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
            names += "," + ",".join(sorted(more))
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
