"""The policy: what its lists may be, changes while the application runs, and mistakes in it."""

from apps import PREFLIGHT, expect, small_app
from microdot.cors import CORS
from rows import A, B
from wire import send


def mistaken_policies():
    for policy in ({"expose_headers": False}, {"expose_headers": 0}, {"max_age": ""}, {"allowed_headers": []}):
        app, _ = small_app(**policy)
        for _ in range(2):
            answer = send(app, "OPTIONS", "/", PREFLIGHT)
            expect((answer.status, answer.all("Access-Control-Allow-Methods")), (204, ["PUT"]))
            expect(answer.all("Access-Control-Expose-Headers"), [])


def policy_changes():
    app, cors = small_app()

    def found(method="GET", **headers):
        sent = {"Origin": A}
        if method == "OPTIONS":
            sent.update(PREFLIGHT)
            sent["Access-Control-Request-Headers"] = "x-a,x-b"
        return send(app, method, "/", sent).cors()

    expect(found(), {"allow-origin": A, "vary": "Origin"})
    cors.allowed_origins.append(B)
    cors.allowed_origins.remove(A)
    expect(found(), {})
    cors.allowed_origins = A
    expect(cors.allowed_origins, [A])
    expect(found(), {"allow-origin": A, "vary": "Origin"})
    cors.allowed_origins = A + ".org"
    expect(found(), {})
    cors.allowed_origins = "*"
    cors.expose_headers = []
    expect(found(), {"allow-origin": A, "vary": "Origin"})
    cors.expose_headers.append("X-A")
    expect(found()["expose-headers"], "X-A")
    cors.expose_headers[0] = "X-B"
    expect(found()["expose-headers"], "X-B")
    cors.expose_headers = None
    expect("expose-headers" in found(), False)
    cors.expose_headers = earlier = []
    expect("expose-headers" in found(), False)
    earlier.append("X-A")
    cors.expose_headers = []  # equal to what the list was that has grown
    expect("expose-headers" in found(), False)
    cors.allow_credentials = True
    expect(found(), {"allow-origin": "*", "allow-credentials": "true"})
    cors.allow_credentials = False
    expect(found("OPTIONS")["allow-headers"], "x-a,x-b")
    cors.allowed_headers = []
    expect("allow-headers" in found("OPTIONS"), False)
    cors.allowed_headers.append("X-B")
    expect(found("OPTIONS")["allow-headers"], "x-b")
    cors.allowed_headers[0] = "x-A"
    expect(found("OPTIONS")["allow-headers"], "x-a")
    cors.allowed_headers = "X-B"
    expect(found("OPTIONS")["allow-headers"], "x-b")
    cors.allowed_headers = []
    expect("allow-headers" in found("OPTIONS"), False)
    cors.allowed_headers = None
    expect(found("OPTIONS")["allow-headers"], "x-a,x-b")
    cors.allowed_methods = []
    expect("allow-methods" in found("OPTIONS"), False)
    cors.allowed_methods = None
    expect(found("OPTIONS")["allow-methods"], "PUT")
    cors.allowed_methods = []
    expect("allow-methods" in found("OPTIONS"), False)
    cors.allowed_methods.append("put")
    expect(found("OPTIONS")["allow-methods"], "PUT")
    cors.max_age = 5
    expect(found("OPTIONS")["max-age"], "5")
    cors.max_age = 0
    expect(found("OPTIONS")["max-age"], "0")
    cors.max_age = None
    expect("max-age" in found("OPTIONS"), False)


def kinds_of_lists():
    _, cors = small_app()
    for value, expected in (((A, B), [A, B]), ({A}, [A]), (A, [A]), ([A], [A]), ("*", "*"), (None, None), ([], [])):
        cors.allowed_origins = value
        expect(cors.allowed_origins, expected)
        expect(CORS(allowed_origins=value).allowed_origins, expected)
    origins = [A]
    cors.allowed_origins = origins
    expect(cors.allowed_origins is origins, True)
    expect(CORS(allowed_headers=["X-A", "x-B"]).allowed_headers, ["x-a", "x-b"])
    expect(CORS(allowed_headers="X-A").allowed_headers, ["x-a"])


def mistaken_policy():
    app, cors = small_app(allowed_methods=["PUT"], expose_headers=["X-A"])
    headers = {"Access-Control-Request-Headers": "x-a"}
    headers.update(PREFLIGHT)
    expected = {"allow-origin": A, "vary": "Origin", "expose-headers": "X-A"}
    expected.update({"allow-methods": "PUT", "allow-headers": "x-a"})
    expect(send(app, "OPTIONS", "/", headers).cors(), expected)
    for name, value in (("allowed_methods", 5), ("allowed_headers", 5), ("expose_headers", [5])):
        correct = getattr(cors, name)
        setattr(cors, name, value)
        for _ in range(2):
            try:
                send(app, "OPTIONS", "/", headers)
            except TypeError:
                continue
            raise AssertionError(f"{name} was {value}")
        setattr(cors, name, correct)
        expect(send(app, "OPTIONS", "/", headers).cors(), expected)


def mistake_in_a_list_of_two():
    app, cors = small_app(allowed_methods=["PUT"])
    expect(send(app, "OPTIONS", "/", PREFLIGHT).cors()["allow-methods"], "PUT")
    cors.allowed_methods, cors.allowed_headers = [], 5
    try:
        send(app, "OPTIONS", "/", PREFLIGHT)
        raise AssertionError("5 was taken for a list of headers")
    except TypeError:
        cors.allowed_headers = None
    expect("allow-methods" in send(app, "OPTIONS", "/", PREFLIGHT).cors(), False)


def mistaken_age():
    for age in ("ten minutes", [600]):
        try:
            CORS(max_age=age)
        except (ValueError, TypeError):
            continue
        raise AssertionError(f"{age!r} was taken")


FUNCTIONS = (
    mistaken_policies,
    policy_changes,
    kinds_of_lists,
    mistaken_policy,
    mistake_in_a_list_of_two,
    mistaken_age,
)
