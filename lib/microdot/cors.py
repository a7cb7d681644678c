import re

# Boards have little memory. Two rules explain what may look odd here:
#
# - What runs with every response allocates next to nothing. Functions have few
#   variables, because MicroPython puts those of a function on the heap if they
#   need more than eleven words. Hooks are stored, because each access to a
#   method creates an object. What the next response is likely to need again is
#   kept.
# - A string constant of more than ten characters takes 50 to 100 bytes for as
#   long as the module is loaded. Those that are seldom needed are made from
#   shorter ones, or from one that is needed anyway.

# Any character that is not allowed in a token (RFC 9110, section 5.6.2)
_NOT_TOKEN = re.compile("[^!#-'*+" + '.0-9A-Z^' + '-z|~-]')


def _intern(name):
    # MicroPython stores the name of an attribute for good. When lower() makes
    # a stored name, as it then does in each look-up of the header, that takes
    # no memory. Not to be used for names that a client sends.
    name = name.lower()
    hasattr(CORS, name)
    return name


def _get_header(headers, name):
    # Browsers write the names of headers as they are written in this module.
    # setdefault() finds those without folding case, because Microdot does not
    # override it. A name that it had to add is removed.
    value = headers.setdefault(name)
    if value is None:
        headers.pop(name)
        value = headers.get(name, '')
    return value


def _is_listed(name, names):
    # Case does not matter. None lists every token, a string is a list of one.
    if not name or _NOT_TOKEN.search(name):
        return False
    if names is None:
        return True
    name = name.lower()
    for entry in [names] if isinstance(names, str) else names:
        if _intern(entry) == name:
            return True
    return False


class CORS:
    """Add CORS headers to HTTP responses.

    :param app: The application to add CORS headers to.
    :param allowed_origins: A list of the origins that are allowed to read
                            responses, each as browsers send it, for example
                            ``https://example.com`` (no path, no final slash,
                            no capitals in the host). One string is a list of
                            one. If set to ``'*'``, all origins are allowed. If
                            not set, none is.
    :param allow_credentials: If set to ``True``, the
                              ``Access-Control-Allow-Credentials`` header will
                              be set to ``true`` to let the pages of listed
                              origins send cookies and authentication headers.
                              Browsers refuse this in combination with ``'*'``,
                              and then only allow requests without credentials.
    :param allowed_methods: A list of methods that preflight requests are
                            granted, in any case. If not set, all methods are
                            granted.
    :param expose_headers: A list of response headers that the browser is
                           allowed to expose to pages.
    :param allowed_headers: A list of request headers that preflight requests
                            are granted, in any case. If not set, all headers
                            are granted.
    :param max_age: The maximum amount of time in seconds that the browser
                    should cache the results of a preflight request. If set to
                    ``0``, results are not cached. If not set, the browser
                    decides.
    :param handle_cors: If set to ``False``, CORS headers will not be added to
                        responses. This can be useful if you want to add CORS
                        headers manually, with :meth:`get_cors_headers`.

    The parameters are also attributes, and a change to one applies from the
    next response on, whether it is assigned or a list is changed in place.
    """

    #: The status code of the response to a preflight request. Assign 200 for
    #: clients that cannot take a 204.
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
        self.allowed_headers = allowed_headers and list(
            map(_intern, allowed_headers)
        )
        self.max_age = max_age
        int(max_age or 0)  # fails now, not in every preflight request
        self._reflected = self._kept_method = self._kept_expose = None
        self.after_request = self.after_request
        self._add_vary = self._add_vary
        if app:
            self.initialize(app, handle_cors)

    @property
    def allowed_origins(self):
        return self._origins

    # A string becomes a list of one, so that no part of it ever matches.
    @allowed_origins.setter
    def allowed_origins(self, origins):
        if origins and origins != '*' and not isinstance(origins, list):
            origins = [origins] if isinstance(origins, str) else list(origins)
        self._origins = origins

    def initialize(self, app, handle_cors=True):
        """Initialize the CORS object for the given application.

        :param app: The application to add CORS headers to. One CORS object can
                    be used with several applications.
        :param handle_cors: If set to ``False``, CORS headers will not be added
                            to responses. This can be useful if you want to add
                            CORS headers manually.
        """
        self.default_options_handler = app.default_options_handler
        hook = self.after_request if handle_cors else self._add_vary
        if hook not in app.after_error_request_handlers:
            app.after_error_request(hook)
            if handle_cors:
                app.after_request(hook)

    # Not installed by initialize(): after_request() adds the CORS headers to
    # whatever the application's own handler returns.
    def options_handler(self, request):
        headers = request.app.default_options_handler(request)
        headers.update(self.get_cors_headers(request))
        return headers

    def get_cors_headers(self, request):
        """Return a new dictionary of CORS headers to add to a given request.

        :param request: The request to add CORS headers to.

        If the response depends on the origin of the request, ``Origin`` is
        also added to its ``Vary`` header, after all other hooks have run.
        """
        preflight = None  # the headers of an OPTIONS request from a page
        if request.method == 'OPTIONS':
            origin = _get_header(request.headers, 'Origin')
            preflight = origin and request.headers
        else:
            origin = request.headers.get('origin')

        # From here on, origin is what Access-Control-Allow-Origin will say.
        origins = self._origins
        if origins == '*':
            if not origin or self.allow_credentials:
                origin = '*'
            elif origin != self._reflected:
                if len(origin) > 512 or re.search('[^!-~]', origin):
                    origin = '*'  # no browser sends this
                self._reflected = origin
        elif origins is None:
            return {}
        elif not origin or origin == '*' or origin not in origins:
            origin = None
        if origin != '*':
            hooks = request.after_request_handlers
            if not hooks or self._add_vary not in hooks:
                hooks.append(self._add_vary)
            if not origin:
                return {}

        headers = {'Access-Control-Allow-Origin': origin}
        if self.allow_credentials:
            headers['Access-Control-Allow-Credentials'] = 'true'
        if preflight or self.expose_headers:
            self._add_details(headers, preflight)
        return headers

    def _add_details(self, headers, preflight):
        # What most responses do not need. It is kept for the next that does,
        # with copies of the lists that it was made from, because a list may be
        # changed in place.
        exposed = self.expose_headers
        if exposed:
            if exposed != self._kept_expose:
                name = 'Access-Control-Request-Headers'
                self._exposed = {
                    name.replace('Request', 'Expose'): exposed
                    if isinstance(exposed, str)
                    else ', '.join(exposed)
                }
                self._kept_expose = list(exposed)
            headers.update(self._exposed)

        if not preflight:
            return
        method = _get_header(preflight, 'Access-Control-Request-Method')
        if not method:
            return
        names = _get_header(preflight, 'Access-Control-Request-Headers')
        methods = self.allowed_methods
        allowed = self.allowed_headers
        if (
            method == self._kept_method
            and names == self._kept_names
            and methods == self._kept_methods
            and allowed == self._kept_headers
            and self.max_age == self._kept_age
        ):
            granted = self._granted
        else:
            granted = self._grant(method, names)
            if len(method) + len(names) < 256:
                self._kept_method = None  # a copy may fail
                self._kept_methods = None if methods is None else list(methods)
                self._kept_headers = None if allowed is None else list(allowed)
                self._kept_age = self.max_age
                self._kept_names = names
                self._kept_method = method
                self._granted = granted
        headers.update(granted)

    def _grant(self, method, names):
        # The headers that grant a preflight request what it asks for, as far
        # as the policy allows.
        headers = {}
        if not _is_listed(method, self.allowed_methods):
            return headers
        # Browsers write these methods in capitals, and others as they are.
        upper = method.upper()
        if upper in ('DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'):
            method = upper
        allow = 'Access-Control-Allow-Origin'
        headers[allow.replace('Origin', 'Methods')] = method
        if self.max_age is not None:
            age = max(0, int(self.max_age or 0))
            headers[allow[:15] + 'Max-Age'] = str(age)
        if names.count(',') < 64:
            allowed = self.allowed_headers
            granted = []
            for name in names.split(','):
                name = name.strip(' \t')
                # Browsers would take a * in the answer for all names.
                if _is_listed(name, allowed):
                    if name != '*' or allowed is None:
                        granted.append(name)
            echo = ','.join(granted)
            if allowed is not None or echo != names.replace(' ', ''):
                names = ', '.join(granted)
            if names:
                headers[allow.replace('Origin', 'Headers')] = names
        return headers

    def after_request(self, request, response):
        """Set the CORS headers of a response, in place of any that it has.

        :param request: The request that is answered.
        :param response: The response to set CORS headers on.

        A preflight request that no route handles is answered with the status
        code :attr:`preflight_status`.
        """
        if not request or response is type(response).already_handled:
            return response

        # A response has the g object of the last request that it answered.
        headers = response.headers
        used_for = getattr(response, '_used_for', None)
        if used_for is request.g:
            if headers.get('Access-Control-Allow-Origin'):
                return response  # another CORS object allows the origin
        elif used_for:
            # The application returned this object before, and it may still be
            # on its way to another page.
            response = type(response)(
                response.body, response.status_code, None, response.reason
            )
            response.headers.update(headers)

        if (
            request.method == 'OPTIONS'
            and request.route is None
            and _get_header(request.headers, 'Origin')
            and _get_header(request.headers, 'Access-Control-Request-Method')
        ):
            # Without an OPTIONS handler Microdot answers 404 or 405, which
            # browsers take for a refusal.
            if response.status_code == 404 or response.status_code == 405:
                headers = request.app.default_options_handler(request)
                response = type(response)(headers=headers)
            if response.status_code == 200 and not response.body:
                response.status_code = self.preflight_status
                if response.status_code == 204:
                    response.reason = 'No Content'
                    response.body = None  # without Content-Length

        response._used_for = request.g
        headers = response.headers
        for name in list(headers):
            if len(name) > 15 and name[:15].lower() == 'access-' + 'control-':
                headers.pop(name)
        cors_headers = self.get_cors_headers(request)
        for name in cors_headers:
            _intern(name)
            headers[name] = cors_headers[name]
        self._add_vary(request, response)

        # The hook need not run again if no other hook follows.
        hooks = request.app.after_request_handlers
        if hooks and hooks[-1] is self.after_request:
            hooks = request.after_request_handlers
            if hooks and hooks[0] is self._add_vary:
                hooks.pop(0)
        return response

    def _add_vary(self, request, response):
        # The last hook of a request, added by get_cors_headers().
        if not request or self._add_vary not in request.after_request_handlers:
            return
        headers = response.headers
        if not headers.get('Access-Control-Allow-Origin'):
            # Without an allowed origin Vary only matters to caches.
            control = headers.get(_intern('cache-' + 'control'), '')
            if 'no-store' in str(control).lower() or not (
                control
                or headers.get('etag')
                or headers.get('expires')
                or headers.get(_intern('last-' + 'modified'))
            ):
                return
        vary = headers.get('vary', 'Origin')
        # Other extensions leave names here, which Microdot would join to a
        # string in any order.
        others = getattr(request.g, '_vary', ())
        if others or vary != 'Origin':
            if not isinstance(vary, str):
                vary = ','.join(vary or ())
            vary = ','.join([vary, 'Origin'] + sorted(others))
            names = []
            for name in vary.split(','):
                name = name.strip()
                if name and not _is_listed(name, names):
                    names.append(name)
            vary = '*' if '*' in names else ', '.join(names)
            # Microdot would not replace a header named in lower case.
            headers.pop('vary', None)
            if others:
                del request.g._vary
        headers['Vary'] = vary
