"""The schemes by which items are assessed, and what other registers call their codes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.schemes.catalogue import known
from staydown_hub.staff.access import page
from staydown_hub.staff.viewer import Viewer


@page(only_if=lambda viewer: viewer.belongs)
def schemes(request: HttpRequest, viewer: Viewer) -> HttpResponse:  # noqa: ARG001 -- the same for all who belong
    """Show every scheme with its codes, and their terms in each vocabulary or why there are none."""
    found = known()
    tables = [
        {
            "scheme": one,
            "axes": [(name, ", ".join(values)) for name, values in one.axes.items()],
            "codes": [
                {
                    "code": code,
                    "axes": ", ".join(f"{name} {value}" for name, value in code.axes.items()),
                    "cells": [
                        (
                            vocabulary.name,
                            ", ".join(code.maps.get(vocabulary.slug, ())),
                            code.unmapped.get(vocabulary.slug, ""),
                        )
                        for vocabulary in found.vocabularies
                    ],
                }
                for code in one.codes
            ],
        }
        for one in found.schemes
    ]
    return render(request, "staff/schemes.html", {"schemes": tables, "vocabularies": found.vocabularies})
