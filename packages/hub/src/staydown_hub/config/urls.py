"""The URL map: accounts and staff pages. The API joins it in its own module."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("", include("staydown_hub.staff.urls")),
]
