import re

# Memory decides how this module is written. A string constant of more than ten characters takes 72 bytes (on a 64-bit
# board) for as long as the module is loaded, so those that are seldom needed are made of shorter ones. A function
# takes at least 80, and its code is counted in steps of 32.

# What no token has (RFC 9110, section 5.6.2). An expression finds it without allocating, and without interning the
# client's characters for good, as stepping through a string would.
_NOT_TOKEN = re.compile("[^!#-'*+" + ".0-9A-Z^" + "-z|~-]")


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
        if isinstance(allowed_headers, str):
            allowed_headers = [allowed_headers]
        self.allowed_headers = allowed_headers and "\n".join(allowed_headers).lower().split("\n")
        self.max_age = max_age
        int(max_age or 0)  # a mistake is raised here, and not with every preflight request
        # The origin that was last fit to be reflected, and what :meth:`_add` found last. Nothing equals these yet.
        self.origin = self
        self._last = [self] * 8
        self.after_request = self.after_request  # one object, which can be found in a list of hooks
        if app:
            self.initialize(app, handle_cors)

    def allowed_origins(self, *origins):
        # One function reads and writes. One string becomes a list, so that no part of it ever matches.
        for value in origins:
            if value and value != "*" and not isinstance(value, list):
                value = list(origins if isinstance(value, str) else value)
            self._origins = value
        return self._origins

    allowed_origins = property(allowed_origins, allowed_origins)

    def initialize(self, app, handle_cors=True):
        """Initialize the CORS object for the given application.

        :param app: The application to add CORS headers to. One object may serve several applications.
        :param handle_cors: If set to ``False``, responses get only the headers that the application takes from
                            :meth:`get_cors_headers`.
        """
        self.default_options_handler = app.default_options_handler
        hook = self.after_request
        if hook not in app.after_request_handlers:
            if handle_cors:
                app.after_request(hook)
            app.after_error_request(hook if handle_cors else self)

    def options_handler(self, request):
        """Return the headers that answer an OPTIONS request, as a dictionary.

        Applications need not call this: they keep their own OPTIONS handler, and :meth:`after_request` completes
        its answer.
        """
        headers = request.app.default_options_handler(request)  # of this application, and never this very method
        headers.update(self.get_cors_headers(request))
        return headers

    def get_cors_headers(self, request):
        """Return a new dictionary with the CORS headers that answer a request.

        :param request: The request to add CORS headers to.

        When the response is ready, ``Origin`` is also added to its ``Vary`` header, if needed.
        """
        # A function that needs more than eleven words for its variables gets them from the heap. Browsers write the
        # names of headers as they are here, and a method that Microdot does not override finds those in a fraction
        # of the time that folding their case takes. What setdefault() has to add is taken out again.
        origins = self._origins
        query = request.headers
        if request.method != "OPTIONS":
            origin = query.get("Origin")
            query = None
        else:
            origin = query.setdefault("Origin")
            if origin is None:
                query.pop("Origin")
                origin = query.get("Origin")
            query = origin and query
        if origins == "*":
            if not origin or self.allow_credentials:
                origin = "*"
            elif origin != self.origin:
                if origin[512:] or re.search("[^!-~]", origin):
                    origin = "*"
                self.origin = origin
        elif origins is None:
            return {}
        elif not origin or origin == "*" or origin not in origins:
            origin = None
        if origin != "*":
            hooks = request.after_request_handlers
            if not hooks or self not in hooks:
                hooks.append(self)
            if not origin:
                return {}
        headers = {"Access-Control-Allow-Origin": origin}
        if self.allow_credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if query or self.expose_headers:
            self._add(headers, query)
        return headers

    def _add(self, headers, query):
        # All but the origin is kept for the next request that asks for the same, with copies of the lists, to see
        # a change inside them. query: the headers of an OPTIONS request from a page, or None.
        method = names = ""
        if query:
            name = "Access-Control-Request-Method"
            method = query.setdefault(name)
            if method is None:
                query.pop(name)
                method = query.get(name, "")
            name = "Access-Control-Request-Headers"
            names = query.setdefault(name)
            if names is None:
                query.pop(name)
                names = query.get(name, "")
        expose = self.expose_headers
        methods = self.allowed_methods
        allowed = self.allowed_headers
        age = self.max_age
        given, known, e, more, exposed, m, n, a = self._last  # of then: methods, allowed, expose; method, names, age
        if e != expose or method and (m != method or n != names or given != methods or known != allowed or a != age):
            more = {}
            # One name is made out of another: a constant as long as these keeps 64 bytes of a board and more.
            exposed = expose and {
                "Access-Control-Request-Headers".replace("Request", "Expose"): expose
                if isinstance(expose, str)
                else ", ".join(expose)
            }
            # Listed or not, it has to be a token: CPython folds the case of other letters into ASCII too. The quotes
            # of repr() let only a whole name match (or one with quotes of its own), and one string is a list of one.
            if (
                method
                and not _NOT_TOKEN.search(method)
                and (methods is None or repr(method.lower()) in repr(methods).lower())
            ):
                name = method.upper()
                if name not in ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"):
                    name = method
                more["Access-Control-Allow-Origin".replace("Origin", "Methods")] = name
                if age is not None:
                    more["Access-Control-Allow-Origin"[:15] + "Max-Age"] = str(max(0, int(age or 0)))
                if names.count(",") < 64:
                    given = []
                    known = repr(allowed).lower()
                    for name in names.split(","):
                        name = name.strip(" \t")
                        if (
                            name
                            and not _NOT_TOKEN.search(name)
                            and (allowed is None or name != "*" and repr(name.lower()) in known)
                        ):
                            given.append(name)
                    name = names
                    if allowed is not None or names.replace(" ", "") != ",".join(given):
                        name = ", ".join(given)
                    if name:
                        more["Access-Control-Request-Headers".replace("Request", "Allow")] = name
            if len(method) + len(names) < 256:
                given = []
                for name in (methods, allowed, expose):
                    given.append(name if name is None else list(name or ()))
                self._last = given + [more, exposed, method, names, age]
        if expose:
            headers.update(exposed)
        if method:
            headers.update(more)

    def after_request(self, request, response):
        """Put the CORS headers on a response, in place of any that it has.

        A preflight request that no route answers gets the status code :attr:`preflight_status`.
        """
        if not request or response is type(response).already_handled:
            return response
        headers = response.headers
        seen = getattr(response, "origin", None)
        if seen is request.g:
            return response  # another object's policy allowed it
        if seen is None:
            response.origin = headers
        else:
            # The application returns one object more than once, which may be on its way to another page right now.
            response = type(response)(response.body, response.status_code, None, response.reason)
            response.headers.update(headers)
        for name in headers:
            if len(name) > 15 and name[6:15].lower() == "-control-" and name[:6].lower() == "access":
                if headers is response.headers:
                    response.headers = type(headers)()
                    response.headers.update(headers)
                response.headers.pop(name, None)
        headers = self.get_cors_headers(request)
        for name in headers:
            # MicroPython interns attribute names, and the case folding of a header look-up is free for such strings.
            hasattr(self, name.lower())
            response.headers[name] = headers[name]
        if headers:
            response.origin = request.g
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
        self(request, response)
        # The very last hook does it again, unless this was the last.
        last = request.app.after_request_handlers
        more = request.after_request_handlers
        if last and last[-1] is self.after_request and len(more) == 1 and more[0] is self:
            more.pop()
        return response

    def __call__(self, request, response):
        # The very last hook of a request: adds Origin to Vary.
        if not request or self not in request.after_request_handlers:
            return
        headers = response.headers
        if "Access-Control-Allow-Origin" not in headers:
            value = headers.get("Cache-" + "Control")
            if "no-store" in str(value).lower() or not (
                value or "ETag" in headers or "Expires" in headers or "Last-" + "Modified" in headers
            ):
                return
        names = headers.get("Vary")
        if names is None:
            headers["Vary"] = names = "Origin"
        more = getattr(request.g, "_vary", ())
        if more or names != "Origin":
            vary = []
            names = [names] if isinstance(names, str) else list(names or ())
            for name in ",".join(names + ["Origin"] + sorted(more)).split(","):
                name = name.strip()
                if name and repr(name.lower()) not in repr(vary).lower():
                    vary.append(name)
            # Microdot's dictionary would not find a name in lower case by any other, and add a second header.
            headers.pop("vary", None)
            headers["Vary"] = "*" if "*" in vary else ", ".join(vary)
            if more:
                del request.g._vary  # or Microdot would merge it again, in any order
