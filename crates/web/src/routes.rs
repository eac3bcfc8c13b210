//! All routes, on one screen.

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::management::resource_servers::scopes;
use crate::management::users::links as links_of_users;
use crate::management::users::sessions as sessions_of_users;
use crate::management::{
    allow_lists, allowed, applications, audit, data_sources, data_stores, initial_access_tokens, limits,
    mail, permissions, personal_access_tokens, resource_servers, revocations, roles, trusted_issuers,
    trusted_origins, users,
};
use crate::oauth::{
    attestation_challenge, authorize, backchannel_authentication, check_session, device_authorization,
    introspect, jwks, logout as end_session, metadata, par, protected_resource, register, revoke, token,
    userinfo,
};
use crate::pages::{
    account, activity, demo, device, forgot, login, logins, logout, password, profile, reference, requests,
    reset, security, sessions, start, tokens,
};
use crate::{WebState, assets, http_service, mcp, observation, odata};

/// All routes with their handlers.
pub fn router(state: WebState) -> Router {
    let mut routes = routes();
    if state.settings().demo.is_some() {
        routes = routes.route(demo::CALLBACK, get(demo::show));
    }
    routes
        .fallback(http_service::unknown_path)
        .method_not_allowed_fallback(http_service::wrong_method)
        .with_state(state)
}

fn routes() -> Router<WebState> {
    protocol().merge(pages()).merge(management()).merge(data_source_management())
}

/// OAuth 2.0, under both prefixes in Hybrid Data Pipeline's documentation.
#[rustfmt::skip]
fn protocol() -> Router<WebState> {
    Router::new()
        .route("/oauth2/authorize",           get(authorize::show).post(authorize::show_posted))
        .route("/api/mgmt/oauth2/authorize",  get(authorize::show).post(authorize::show_posted))
        .route("/oauth2/consent",             post(authorize::decide))
        .route("/oauth2/par",                 post(par::push))
        .route("/api/mgmt/oauth2/par",        post(par::push))
        .route("/oauth2/token",               post(token::issue))
        .route("/api/mgmt/oauth2/token",      post(token::issue))
        .route("/oauth2/introspect",          post(introspect::introspect))
        .route("/api/mgmt/oauth2/introspect", post(introspect::introspect))
        .route("/oauth2/revoke",              post(revoke::revoke))
        .route("/api/mgmt/oauth2/revoke",     post(revoke::revoke))
        .route("/oauth2/challenge",           post(attestation_challenge::tell))
        .route("/oauth2/register",            post(register::register))
        .route("/oauth2/register/{clientId}", get(register::read).put(register::replace).delete(register::delete))
        .route("/oauth2/userinfo",            get(userinfo::show).post(userinfo::show))
        .route("/api/mgmt/oauth2/userinfo",   get(userinfo::show).post(userinfo::show))
        .route("/oauth2/logout",              get(end_session::show).post(end_session::show_posted))
        .route("/oauth2/logout/confirm",      post(end_session::confirm))
        .route("/oauth2/check_session",       get(check_session::show))
        .route("/oauth2/jwks",                get(jwks::show))
        .route("/api/mgmt/oauth2/jwks",       get(jwks::show))
        .route("/oauth2/device_authorization",          post(device_authorization::issue))
        .route("/api/mgmt/oauth2/device_authorization", post(device_authorization::issue))
        .route("/oauth2/bc-authorize",                  post(backchannel_authentication::ask))
        .route("/api/mgmt/oauth2/bc-authorize",         post(backchannel_authentication::ask))
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/.well-known/openid-configuration",       get(metadata::show))
        .route("/.well-known/oauth-protected-resource",                      get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/",                     get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/api/odata4",           get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/api/odata4/",          get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/api/odata4/{source}",  get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/api/odata4/{source}/", get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/mcp",                  get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/mcp/",                 get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/mcp/{source}",         get(protected_resource::show))
        .route("/.well-known/oauth-protected-resource/mcp/{source}/",        get(protected_resource::show))
}

/// Pages for people, and monitoring.
#[rustfmt::skip]
fn pages() -> Router<WebState> {
    Router::new()
        .route("/",                                 get(start::show))
        .route("/login",                            get(login::show).post(login::sign_in))
        .route("/forgot",                           get(forgot::show).post(forgot::ask))
        .route("/forgot/asked",                     get(forgot::asked_page))
        .route("/reset",                            get(reset::show).post(reset::choose))
        .route("/login/factor",                     get(login::factor::restart).post(login::factor::sign_in))
        .route("/logout",                           get(logout::show).post(logout::sign_out))
        .route("/device",                           get(device::show).post(device::find))
        .route("/device/consent",                   post(device::decide))
        .route("/account",                          get(account::show))
        .route("/account/applications",             get(account::applications))
        .route("/account/applications/{id}/revoke", get(account::ask_to_revoke).post(account::revoke))
        .route("/account/requests",                 get(requests::list))
        .route("/account/requests/{id}",            get(requests::show).post(requests::decide))
        .route("/account/activity",                         get(activity::list))
        .route("/account/sessions",                         get(sessions::list))
        .route("/account/sessions/others",                  post(sessions::end_others))
        .route("/account/sessions/all",                     post(sessions::end_everywhere))
        .route("/account/sessions/{id}/end",                post(sessions::end))
        .route("/account/tokens",                           get(tokens::list))
        .route("/account/tokens/new",                       get(tokens::ask).post(tokens::make))
        .route("/account/tokens/{id}/end",                  get(tokens::ask_to_end).post(tokens::end))
        .route("/account/logins",                           get(logins::list))
        .route("/account/logins/{id}",                      get(logins::ask).post(logins::store))
        .route("/account/logins/{id}/delete",               get(logins::ask_to_delete).post(logins::delete))
        .route("/account/password",                 get(password::show).post(password::change))
        .route("/account/security",                 get(security::show))
        .route("/account/security/new",             get(security::ask_new).post(security::set_up))
        .route("/account/security/recovery",        get(security::ask_recovery).post(security::renew))
        .route("/account/security/remove",          get(security::ask_to_remove).post(security::remove))
        .route("/account/profile",                  get(profile::show).post(profile::save))
        .route("/healthz",          get(observation::health))
        .route("/readyz",           get(observation::readiness))
        .route("/openapi.json",     get(reference::openapi))
        .route("/docs",             get(reference::show))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/check_session.js", get(assets::check_session))
}

/// The management API, and the data.
#[rustfmt::skip]
fn management() -> Router<WebState> {
    Router::new()
        .route("/api/mgmt/oauth/client/applications",                         get(applications::list).post(applications::register))
        .route("/api/mgmt/oauth/client/applications/{id}",                    get(applications::get).put(applications::update).delete(applications::delete))
        .route("/api/mgmt/oauth/client/applications/{id}/reset",              put(applications::reset))
        .route("/api/mgmt/oauth/client/applications/{id}/secrets",            post(applications::add_secret))
        .route("/api/mgmt/oauth/client/applications/{id}/secrets/{secretId}", delete(applications::end_secret))
        .route("/api/mgmt/oauth/client/allowedapplications",                  get(allowed::list))
        .route("/api/mgmt/oauth/client/allowedapplications/{id}",             delete(allowed::revoke))
        .route("/api/mgmt/personalaccesstokens",                              get(personal_access_tokens::list))
        .route("/api/mgmt/personalaccesstokens/{id}",                         get(personal_access_tokens::get).delete(personal_access_tokens::end))

        // The data.
        .route("/api/odata4",                  get(odata::read))
        .route("/api/odata4/",                 get(odata::read))
        .route("/api/odata4/{source}",         get(odata::read))
        .route("/api/odata4/{source}/",        get(odata::read))
        .route("/api/odata4/{source}/{*path}", get(odata::read).post(odata::post).patch(odata::post).put(odata::post).delete(odata::post))
        .route("/mcp",                         post(mcp::post))
        .route("/mcp/",                        post(mcp::post))
        .route("/mcp/{source}",                post(mcp::post))
        .route("/mcp/{source}/",               post(mcp::post))

        .route("/api/admin/users",                   get(users::list).post(users::create))
        .route("/api/admin/users/{id}",              get(users::get).put(users::update).delete(users::delete))
        .route("/api/admin/users/{id}/secondfactor", get(users::second_factor).delete(users::reset_second_factor))
        .route("/api/admin/users/{id}/sessions",             get(sessions_of_users::list).delete(sessions_of_users::end_all))
        .route("/api/admin/users/{id}/sessions/{sessionId}", delete(sessions_of_users::end))
        .route("/api/admin/users/{id}/onetimelinks",         get(links_of_users::list).post(links_of_users::create).delete(links_of_users::end_all))
        .route("/api/admin/invitations",             post(links_of_users::invite))
        .route("/api/admin/mail/test",               post(mail::test))
        .route("/api/admin/roles",                   get(roles::list).post(roles::create))
        .route("/api/admin/roles/{id}",              get(roles::get).put(roles::update).delete(roles::delete))
        .route("/api/admin/permissions",             get(permissions::list))
        .route("/api/mgmt/permissions",              get(permissions::own))
        .route("/api/admin/limits",                  get(limits::describe))
        .route("/api/admin/limits/system",           get(limits::list))
        .route("/api/admin/limits/system/{limitId}", get(limits::get).post(limits::set).put(limits::set).delete(limits::reset))
        .route("/api/admin/audit",                   get(audit::list))
        .route("/api/admin/revocations",               post(revocations::revoke))
        .route("/api/admin/resourceservers",                       get(resource_servers::list).post(resource_servers::create))
        .route("/api/admin/resourceservers/{id}",                  get(resource_servers::get).put(resource_servers::update).delete(resource_servers::delete))
        .route("/api/admin/resourceservers/{id}/scopes",           get(scopes::list).post(scopes::create))
        .route("/api/admin/resourceservers/{id}/scopes/{scopeId}", get(scopes::get).put(scopes::update).delete(scopes::delete))
        .route("/api/admin/initialaccesstokens",      get(initial_access_tokens::list).post(initial_access_tokens::create))
        .route("/api/admin/initialaccesstokens/{id}", get(initial_access_tokens::get).delete(initial_access_tokens::delete))
        .route("/api/admin/trustedissuers",      get(trusted_issuers::list).post(trusted_issuers::create))
        .route("/api/admin/trustedissuers/{id}", get(trusted_issuers::get).put(trusted_issuers::update).delete(trusted_issuers::delete))
        .route("/api/admin/security/cors/whitelist",      get(trusted_origins::list).post(trusted_origins::add))
        .route("/api/admin/security/cors/whitelist/{id}", get(trusted_origins::get).put(trusted_origins::update).delete(trusted_origins::delete))

        .route("/api/admin/security/whitelist/system", get(allow_lists::of_system).post(allow_lists::set_of_system).put(allow_lists::set_of_system).delete(allow_lists::delete_of_system))
        .route("/api/mgmt/security/whitelist/user",    get(allow_lists::of_user).post(allow_lists::set_of_user).put(allow_lists::set_of_user).delete(allow_lists::delete_of_user))
        .route("/api/mgmt/oauth/client/applications/{id}/whitelist", get(allow_lists::of_application).put(allow_lists::set_of_application).delete(allow_lists::delete_of_application))
}

/// The data sources in the management API.
#[rustfmt::skip]
fn data_source_management() -> Router<WebState> {
    Router::new()
        .route("/api/mgmt/datastores",                             get(data_stores::list))
        .route("/api/mgmt/datastores/{id}",                        get(data_stores::get))
        .route("/api/mgmt/datasources",                            get(data_sources::list).post(data_sources::create))
        .route("/api/mgmt/datasources/test",                       post(data_sources::test_new))
        .route("/api/mgmt/datasources/{id}",                       get(data_sources::get).put(data_sources::update).delete(data_sources::delete))
        .route("/api/mgmt/datasources/{id}/credentials",           put(data_sources::put_credentials).delete(data_sources::delete_credentials))
        .route("/api/mgmt/datasources/{id}/members",               get(data_sources::list_members).put(data_sources::put_members).post(data_sources::add_members))
        .route("/api/mgmt/datasources/{id}/model",                 get(data_sources::get_model).put(data_sources::put_model).post(data_sources::reload_model).delete(data_sources::delete_model))
        .route("/api/mgmt/datasources/{id}/model/findings",        get(data_sources::model_findings))
        .route("/api/mgmt/datasources/{id}/schemas",               get(data_sources::list_schemas))
        .route("/api/mgmt/datasources/{id}/schemas/{schema}/tables", get(data_sources::list_tables))
        .route("/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}", get(data_sources::table))
        .route("/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}/columns", get(data_sources::columns))
        .route("/api/mgmt/datasources/{id}/schemas/{schema}/tables/{table}/primarykeys", get(data_sources::primary_keys))
        .route("/api/mgmt/datasources/{id}/test",                  post(data_sources::test))
        .route("/api/mgmt/datasources/{id}/sharedUsers",           get(data_sources::shared_users).put(data_sources::share).post(data_sources::add_shared_users).delete(data_sources::unshare_all))
        .route("/api/mgmt/datasources/{id}/sharedUsers/{userId}",  delete(data_sources::unshare))
}
