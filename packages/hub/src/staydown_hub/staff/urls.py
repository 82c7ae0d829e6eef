"""The staff pages' part of the URL map."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
