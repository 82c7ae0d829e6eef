"""The staff pages' part of the URL map."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from staydown_hub.staff.views.account import account, forgotten_password, not_offered
from staydown_hub.staff.views.cases import case
from staydown_hub.staff.views.decisions import decisions, dispute, dispute_entry, gate_stop, panel
from staydown_hub.staff.views.enforcement import disputes, enforcement, list_enforcement
from staydown_hub.staff.views.home import home
from staydown_hub.staff.views.items import item, items
from staydown_hub.staff.views.keys import keys
from staydown_hub.staff.views.lists import lists, shared_list
from staydown_hub.staff.views.people import people, person
from staydown_hub.staff.views.proposals import (
    proposal,
    proposals,
    propose_new_organisation,
    propose_on_entry,
    propose_rule,
)
from staydown_hub.staff.views.requests import removal_request, requests
from staydown_hub.staff.views.schemes import schemes

pages: list[URLPattern] = [
    path("", home, name="home"),
    path("items/", items, name="items"),
    path("items/<uuid:item_id>/", item, name="item"),
    path("items/<uuid:item_id>/victim/", case, name="case"),
    path("lists/", lists, name="lists"),
    path("lists/<slug:slug>/", shared_list, name="list"),
    path("lists/<slug:slug>/disputes/", disputes, name="disputes"),
    path("lists/<slug:slug>/dispute/", dispute_entry, name="dispute_entry"),
    path("lists/<slug:slug>/rule/", propose_rule, name="propose_rule"),
    path("decisions/", decisions, name="decisions"),
    path("panels/<uuid:panel_id>/", panel, name="panel"),
    path("gate/<uuid:stop_id>/", gate_stop, name="gate_stop"),
    path("disputes/<uuid:dispute_id>/", dispute, name="dispute"),
    path("schemes/", schemes, name="schemes"),
    path("enforcement/", enforcement, name="enforcement"),
    path("enforcement/<slug:slug>/", list_enforcement, name="list_enforcement"),
    path("requests/", requests, name="requests"),
    path("requests/<uuid:request_id>/", removal_request, name="request"),
    path("lists/<slug:slug>/entries/<int:position>/<slug:word>/", propose_on_entry, name="propose_on_entry"),
    path("proposals/", proposals, name="proposals"),
    path("proposals/<uuid:proposal_id>/", proposal, name="proposal"),
    path("organisations/propose/", propose_new_organisation, name="propose_organisation"),
    path("people/", people, name="people"),
    path("people/<uuid:person_id>/", person, name="person"),
    path("keys/", keys, name="keys"),
    path("account/", account, name="account"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    # People are made by the hub's operator, so these pages of the accounts library lead nowhere. They come first.
    re_path(r"^accounts/(?:signup|email|confirm-email|password/set)/", not_offered),
    path("accounts/password/reset/", forgotten_password),
    path("", include((pages, "staff"))),
]
