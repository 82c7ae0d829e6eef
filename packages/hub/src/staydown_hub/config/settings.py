"""Django's settings; what differs between hubs comes from the environment (see ``environment``)."""

from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from staydown_hub.config import environment
from staydown_hub.config.logs import logging_settings

STAYDOWN_HOME = environment.home()
WEB_ADDRESS = environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:8600")
FEED_ADDRESS = environment.address("STAYDOWN_FEED_ADDRESS", "127.0.0.1:8601")
PUBLIC_URL = environment.url("STAYDOWN_PUBLIC_URL", f"http://{WEB_ADDRESS}", schemes=("https", "http"))
FEED_URL = environment.url("STAYDOWN_FEED_URL", f"http://{FEED_ADDRESS}", schemes=("https", "http"), has_path=True)
IS_HTTPS = PUBLIC_URL.startswith("https://")

DEBUG = False
SECRET_KEY = environment.secret_key()
ALLOWED_HOSTS = sorted({urlsplit(PUBLIC_URL).hostname or "", WEB_ADDRESS.host, "127.0.0.1", "localhost"} - {""})
DATABASES = {"default": environment.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "staydown_hub.config.urls"
WSGI_APPLICATION = "staydown_hub.config.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

INSTALLED_APPS = [
    "staydown_hub.staff",  # first: its templates stand in place of the accounts library's
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "procrastinate.contrib.django",
    "staydown_hub.audit",
    "staydown_hub.vault",
    "staydown_hub.organisations",
    "staydown_hub.registry",
    "staydown_hub.lists",
    "staydown_hub.takedowns",
    "staydown_hub.enforcement",
    "staydown_hub.identification",
    "staydown_hub.witnesses",
]

MIDDLEWARE = [
    "staydown_hub.config.proxies.trusted_proxies",
    "staydown_hub.api.edge.ApiEdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "staydown_hub.staff.middleware.no_store",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# No media anywhere: nothing here can store an upload, and bodies over 1 MiB are refused.
FILE_UPLOAD_HANDLERS: list[str] = []
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

AUTH_USER_MODEL = "organisations.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "staydown_hub.organisations.accounts.ClosedAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
# Whoever types a stranger's address into "Forgot your password?" must not make the hub write to it.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
MFA_ADAPTER = "staydown_hub.organisations.accounts.SealedFactorsAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Staydown"
# Until somebody has a second factor, no page but the one that sets it up is theirs.
SECOND_FACTOR_REQUIRED = environment.choice("STAYDOWN_SECOND_FACTOR", ("required", "optional")) == "required"
# A link that invites, or sets a password anew, works once and for so long.
PASSWORD_RESET_TIMEOUT = 2 * 24 * 60 * 60
# The operator who made the account gave the address; without this nobody could set up a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True
AXES_USERNAME_CALLABLE = "staydown_hub.staff.sign_ins.name_given"
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1
AXES_VERBOSE = False

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 12 * 60 * 60
# The proxies whose word about caller and scheme counts. The header is set by our own middleware and by nobody else: one
# that a caller sends has dashes, which become underscores only behind "HTTP_".
TRUSTED_PROXY = environment.networks("STAYDOWN_TRUSTED_PROXY")
SECURE_PROXY_SSL_HEADER = ("staydown.scheme", "https")
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then send forms with `Origin: null`, which the check against forged requests refuses.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "staydown_hub.config.storage.NoStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

LOGGING = logging_settings("INFO")

# A folder with law packs of the operator's own, beside those that the hub ships.
RETENTION_FILE = environment.text("STAYDOWN_RETENTION")
SCHEMES_FOLDER = environment.text("STAYDOWN_SCHEMES")

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"

# How often an address is looked at until it is gone, and the private networks where that is allowed.
CHECK_INTERVAL_S = environment.seconds("STAYDOWN_CHECK_INTERVAL_S", 900)
CHECK_PRIVATE_ADDRESSES = environment.networks("STAYDOWN_CHECK_PRIVATE_ADDRESSES")

SMTP_URL = environment.url("STAYDOWN_SMTP_URL", schemes=("smtp", "smtp+tls", "smtps"))
DEFAULT_FROM_EMAIL = environment.text("STAYDOWN_MAIL_FROM", "staydown@localhost")
_SMTP = urlsplit(SMTP_URL)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = _SMTP.hostname or "localhost"
EMAIL_PORT = _SMTP.port or 25
EMAIL_HOST_USER = _SMTP.username or ""
EMAIL_HOST_PASSWORD = _SMTP.password or ""
EMAIL_USE_TLS = _SMTP.scheme == "smtp+tls"
EMAIL_USE_SSL = _SMTP.scheme == "smtps"
EMAIL_TIMEOUT = 20
