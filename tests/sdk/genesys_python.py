"""The life of an OAuth client, told by the official Genesys Cloud SDK.

Reads GENESYSCLOUD_API_URL, GENESYSCLOUD_OAUTHCLIENT_ID and GENESYSCLOUD_OAUTHCLIENT_SECRET;
prints one JSON object of what happened, without any secret. The login host is found as the SDK
finds it: `//api.` in the URL becomes `//login.`, and a URL without it serves both.
"""

import json
import os

import PureCloudPlatformClientV2 as genesys
from PureCloudPlatformClientV2.rest import ApiException

genesys.configuration.host = os.environ["GENESYSCLOUD_API_URL"]


def log_in(client_id, secret):
    return genesys.api_client.ApiClient().get_client_credentials_token(client_id, secret)


def refused(call):
    """The vendor's error code of a call that must fail."""
    try:
        call()
    except ApiException as error:
        return json.loads(error.body)["code"]
    raise AssertionError("the call should have been refused")


def can_log_in(client_id, secret):
    try:
        log_in(client_id, secret)
    except ApiException:
        return False
    except KeyError:
        # The SDK looks for the token without looking at the error first.
        return False
    return True


def request_of(client, **changes):
    request = genesys.OAuthClientRequest()
    for field in request.swagger_types:
        if hasattr(client, field):
            setattr(request, field, getattr(client, field))
    for field, value in changes.items():
        setattr(request, field, value)
    return request


def main():
    admin_id = os.environ["GENESYSCLOUD_OAUTHCLIENT_ID"]
    admin = log_in(admin_id, os.environ["GENESYSCLOUD_OAUTHCLIENT_SECRET"])
    oauth = genesys.OAuthApi(admin)
    authorization = genesys.AuthorizationApi(admin)
    story = {}

    story["listed_before"] = oauth.get_oauth_clients().total
    role = authorization.get_authorization_roles(name="Reporting Viewer").entities[0]
    home = authorization.get_authorization_divisions_home()
    grant = genesys.RoleDivision()
    grant.role_id, grant.division_id = role.id, home.id
    wanted = genesys.OAuthClientRequest()
    wanted.name = "made by the SDK"
    wanted.authorized_grant_type = "CLIENT-CREDENTIALS"
    wanted.access_token_validity_seconds = 600
    wanted.role_divisions = [grant]
    created = oauth.post_oauth_clients(wanted)
    story["listed_after"] = [client.name for client in oauth.get_oauth_clients().entities]

    own = log_in(created.id, created.secret)
    info = genesys.TokensApi(own).get_tokens_me()
    story["token_of"] = info.o_auth_client.name
    story["organization"] = info.organization.name
    subject = genesys.AuthorizationApi(own).get_authorization_subjects_me()
    story["granted"] = [[grant.role.name, grant.division.name] for grant in subject.grants]
    story["forbidden"] = refused(lambda: genesys.OAuthApi(own).get_oauth_clients())

    updated = oauth.put_oauth_client(created.id, request_of(created, description="by the SDK"))
    story["description"] = oauth.get_oauth_client(created.id).description
    story["secret_shown_by_get"] = oauth.get_oauth_client(created.id).secret is not None
    story["validity"] = updated.access_token_validity_seconds

    rotated = oauth.post_oauth_client_secret(created.id)
    story["secret_changed"] = rotated.secret != created.secret
    story["old_secret_logs_in"] = can_log_in(created.id, created.secret)
    story["new_secret_logs_in"] = can_log_in(created.id, rotated.secret)

    story["delete_while_active"] = refused(lambda: oauth.delete_oauth_client(created.id))
    oauth.put_oauth_client(created.id, request_of(updated, state="inactive"))
    oauth.delete_oauth_client(created.id)
    story["after_delete"] = refused(lambda: oauth.get_oauth_client(created.id))
    story["listed_at_the_end"] = oauth.get_oauth_clients().total
    print(json.dumps(story))


main()
