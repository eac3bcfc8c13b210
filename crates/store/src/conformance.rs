//! The conformance suite that every backend passes: one function for each statement that it proves.
//!
//! A backend calls [`conformance_tests!`](crate::conformance_tests) with a function that opens a fresh, migrated store. It
//! returns the store together with a guard that must live as long, such as a temporary folder:
//!
//! ```text
//! store::conformance_tests!(open_fresh);
//! ```
//! Times are arguments, so nothing here waits. Concurrent tests run on several threads.

#![expect(missing_docs, reason = "each function's name is the statement that it proves")]
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "panicking is how a test fails")]

use self::at_once::at_once;
use self::records::{
    OVER, START, code_id, create_grant, event, event_at, insert_application, new_secret, odata,
    settings_named,
};
pub(crate) use self::world::World;
use self::world::{granted, insert_user};

pub mod allow_lists;
pub mod applications;
mod at_once;
pub mod audit;
pub mod backchannel_authentications;
pub mod client_registrations;
pub mod concurrency;
pub mod data_sources;
pub mod device_authorizations;
pub mod document_clients;
pub mod ended_sessions;
pub mod grants;
pub mod groups;
pub mod logout_deliveries;
pub mod mails;
pub mod narrowing;
pub mod one_time_links;
pub mod personal_access_tokens;
pub mod possessions;
pub mod purging;
pub mod pushed_requests;
mod records;
pub mod resource_servers;
pub mod revocations;
pub mod rights;
pub mod second_factors;
pub mod secrets;
pub mod session_grants;
pub mod settings;
pub mod sign_ins;
pub mod signing_keys;
pub mod trusted_issuers;
pub mod trusted_origins;
pub mod used_assertions;
pub mod users;
pub mod withdrawn;
mod world;

/// Expands to the tests of the suite. Each test opens its own store with `$open().await`, which returns
/// `(Arc<dyn Store>, guard)`.
#[macro_export]
macro_rules! conformance_tests {
    ($open:ident) => {
        $crate::conformance_tests! { @table $open;
            users {
                a_user_is_found_by_id_and_by_name_without_case,
                ids_of_users_are_never_given_twice,
                attributes_are_stored_and_identifiers_never_change,
                a_taken_name_or_an_unknown_role_is_refused_and_changes_nothing,
                a_new_password_ends_access,
                a_chosen_password_leaves_one_new_session,
                a_password_is_chosen_only_in_the_epoch_of_the_current_one,
                deactivating_ends_access_and_reactivating_brings_none_back,
                the_last_administrator_stays,
                a_deleted_user_leaves_nothing_that_works,
                a_password_hash_is_replaced_only_if_it_is_still_the_old_one,
                roles_keep_their_rules,
                sessions_open_and_close,
                a_session_is_opened_only_in_the_epoch_of_its_password,
                a_session_that_is_replaced_ends,
                a_repeated_sign_in_keeps_what_applications_know_of_the_session,
            }
            allow_lists {
                lists_are_replaced_and_deleted_with_their_owner,
                lists_are_changed_within_the_rights_of_the_caller,
            }
            ended_sessions {
                a_list_of_sessions_has_the_newest_valid_ones,
                a_user_ends_one_session_or_all_others_or_all,
                a_session_that_has_ended_ends_no_others,
            }
            sign_ins {
                failures_lock_and_unlocking_forgets_them,
                failures_from_a_familiar_network_are_counted_apart,
                a_success_forgets_the_failures_from_where_it_comes,
                a_network_is_familiar_for_a_while_and_in_its_epoch,
                few_networks_are_familiar_and_the_latest_stay,
                a_refused_sign_in_is_written_down_also_of_nobody,
                a_name_is_the_same_in_every_normal_form,
            }
            rights {
                an_act_needs_the_rights_by_which_it_was_judged,
                an_act_needs_the_rights_of_whom_it_is_done_for,
                what_belongs_to_others_is_unknown,
                nobody_reaches_beyond_the_own_permissions,
                a_permission_that_is_taken_away_is_not_written_back,
                a_scope_that_is_taken_away_is_not_written_back,
                options_that_were_kept_are_not_written_back,
            }
            applications {
                an_application_is_stored_as_it_was_given,
                the_url_of_a_document_is_stored_once,
                applications_are_listed_by_owner_page_and_words,
                settings_are_replaced_and_the_epoch_stays,
                an_unknown_application_is_refused_everywhere,
                a_renamed_owner_is_renamed_in_the_application,
            }
            client_registrations {
                a_client_that_registered_itself_manages_itself_by_its_token,
                a_refused_registration_changes_nothing,
                an_initial_access_token_is_used_a_limited_number_of_times,
                an_initial_access_token_is_usable_while_its_creator_is_an_active_administrator,
                of_many_registrations_at_once_as_many_succeed_as_may,
                unused_clients_are_found_and_deleted_and_used_ones_stay,
                a_handover_ends_the_token_of_a_registration,
                initial_access_tokens_are_listed_deleted_and_purged,
            }
            personal_access_tokens {
                a_personal_access_token_is_found_by_its_digest_and_ended_by_its_user,
                personal_access_tokens_end_with_all_other_access_of_their_user,
                a_user_has_a_limited_number_of_personal_access_tokens,
                expired_personal_access_tokens_are_purged_and_their_use_is_kept,
            }
            second_factors {
                a_second_factor_is_stored_once_and_ends_the_other_sessions,
                without_the_second_factor_no_session_is_opened,
                a_code_is_used_once_however_many_come_at_once,
                recovery_codes_are_replaced_and_a_second_factor_is_deleted,
                a_second_factor_is_deleted_with_its_user,
            }
            one_time_links {
                a_link_sets_the_password_once_and_ends_all_other_access,
                of_many_uses_of_a_link_at_once_one_succeeds,
                a_new_link_ends_the_earlier_ones_of_its_purpose,
                links_end_with_their_time_and_with_the_access_of_their_user,
                a_link_is_worth_no_more_than_the_rights_of_who_made_it,
                a_link_of_an_administrator_renews_an_expired_password_and_clears_a_lock,
                a_link_that_was_sent_verifies_the_address_and_ends_with_it,
                links_end_with_the_access_of_who_made_them,
                links_for_a_forgotten_password_do_not_end_each_other,
                a_user_is_invited_with_a_link_or_not_at_all,
            }
            mails {
                a_mail_is_claimed_by_one_node_for_a_while,
                of_nodes_that_claim_at_once_each_mail_goes_to_one,
                a_mail_ends_with_its_link,
                so_many_mails_wait_and_no_more,
            }
            secrets {
                a_second_secret_gives_the_first_an_expiry_and_a_third_is_refused,
                ending_one_secret_lets_the_other_live_on,
                a_public_application_has_no_secrets,
                a_secret_is_readable_only_while_it_verifies_assertions,
                a_reset_leaves_one_secret_and_ends_all_access,
            }
            withdrawn {
                a_write_needs_its_token,
                a_write_needs_the_access_of_its_application,
                a_write_needs_its_session,
                a_token_that_proved_the_caller_must_still_have_the_scope,
                who_acts_for_another_gets_no_credentials_of_that_user,
                credentials_of_a_deputy_never_act_for_the_owner,
            }
            possessions {
                an_owner_cannot_be_deleted,
                what_a_deleted_user_owned_can_be_handed_over,
                the_keys_of_an_application_do_not_go_to_its_new_owner,
                what_is_handed_over_goes_to_somebody_who_can_use_it,
                who_made_a_thing_is_kept_however_often_it_is_handed_over,
                what_a_deleted_user_owned_can_go_with_its_owner,
            }
            narrowing {
                what_reaches_data_that_were_left_out_ends,
                what_may_change_data_ends_if_the_user_no_longer_allows_it,
                many_grants_end_with_one_revocation,
                a_thousand_grants_are_compared_one_by_one_and_more_end_together,
                what_a_user_allowed_tells_the_data_of_all_together,
                no_grant_outlives_a_choice_that_is_made_at_the_same_time,
            }
            grants {
                a_grant_is_stored_as_it_was_created,
                a_grant_stores_its_origin,
                a_grant_stores_its_details,
                a_consent_keeps_the_data_that_were_allowed,
                a_code_creates_one_grant_and_its_replay_ends_it,
                a_code_creates_another_grant_after_its_first_was_withdrawn,
                a_replay_is_seen_where_nothing_could_be_created,
                a_grant_rests_on_its_consent_and_both_epochs,
                a_consent_grows_and_keeps_its_id_until_it_is_revoked,
                a_consent_is_given_only_in_the_epochs_of_its_decision,
                a_rotation_needs_the_current_generation,
                a_grant_is_ended_once,
                a_token_is_ended_by_its_id,
                what_a_user_allowed_adds_up_and_can_be_revoked,
                what_a_user_allowed_is_read_a_page_at_a_time,
                usage_keeps_the_later_time,
            }
            device_authorizations {
                a_request_of_a_device_is_found_by_either_code,
                few_requests_of_devices_wait_at_once, a_request_of_a_device_replaces_the_oldest_undecided_one,
                a_poll_is_recorded_once_in_an_interval,
                a_device_is_allowed_or_denied_once,
                a_device_gets_what_its_user_allowed,
                a_request_of_a_device_is_decided_while_it_is_valid,
            }
            backchannel_authentications {
                a_backchannel_request_is_found_by_its_id_and_by_its_user,
                a_backchannel_request_needs_its_application_and_its_user,
                nobody_is_asked_too_often,
                a_denied_request_counts_until_it_expires,
                an_allowed_request_makes_room_for_another,
                a_poll_of_a_backchannel_request_is_recorded_once_in_an_interval,
                a_backchannel_request_is_answered_once_by_its_user,
                a_client_gets_what_the_user_whom_it_asked_allowed,
                a_backchannel_request_is_answered_while_it_is_valid,
                users_who_allowed_an_application_are_listed_by_id,
            }
            document_clients {
                a_client_replaces_the_oldest_that_waits, of_concurrent_clients_only_so_many_stay,
                unused_clients_of_documents_are_purged,
            }
            used_assertions {
                an_assertion_is_used_once,
                a_used_assertion_is_remembered_until_it_expires,
            }
            logout_deliveries {
                every_end_of_a_session_leaves_deliveries,
                revoked_access_leaves_deliveries,
                a_delivery_is_claimed_by_one_node_for_a_while,
            }
            session_grants {
                a_sign_out_revokes_the_grants_of_its_session_without_offline_access,
                another_user_at_the_browser_ends_the_grants_of_its_session,
                a_sign_out_ends_a_bounded_number_of_grants, a_consent_needs_the_session_in_which_it_is_given,
                a_code_creates_a_grant_only_while_its_session_lasts, redeeming_beside_a_sign_out_is_either_dead_or_gone,
            }
            pushed_requests {
                a_pushed_request_is_found_by_its_whole_reference_until_it_expires,
                open_requests_are_limited_for_each_application_and_in_total,
                strangers_replace_only_requests_of_strangers, few_opened_requests_of_strangers_stay,
                the_expiry_of_a_pushed_request_is_moved_once,
                a_pushed_request_is_consumed_once,
            }
            revocations {
                an_epoch_that_grew_leaves_grants_and_consents_dead,
                what_is_created_after_a_reset_lives,
                the_feed_has_no_gaps_and_is_in_order,
                all_access_of_a_subject_is_revoked_by_one_event,
                the_latest_instant_of_a_revocation_stays_in_the_feed,
                versions_grow_with_each_change,
            }
            data_sources {
                a_data_source_is_found_by_name_without_case,
                data_sources_are_visible_to_owners_and_those_they_are_shared_with,
                sharing_with_many_at_once_loses_nobody,
                a_data_source_is_shared_with_so_many_users_and_no_more,
                several_data_sources_are_found_by_their_names,
                a_data_source_changes_and_goes,
                a_model_document_is_stored_only_over_the_one_that_was_seen,
                secret_options_are_sealed_for_their_data_source,
                credentials_are_those_of_one_user_and_end_with_the_access,
                changes_at_once_of_different_members_lose_nothing,
                refusals_of_data_sources_change_nothing,
            }
            groups {
                a_group_has_the_members_that_it_is_given,
                refusals_of_members_change_nothing,
                members_that_are_added_at_once_are_all_there,
            }
            settings {
                limits_are_set_and_returned_to_their_default,
                ring_keys_come_one_after_the_other,
                keys_are_deleted_when_nothing_needs_them,
                probing_and_figures_work,
                a_closed_store_refuses_writes,
            }
            signing_keys {
                signing_keys_come_one_after_the_other,
                superseded_signing_keys_are_deleted_and_the_newest_of_each_algorithm_stays,
                a_signing_key_is_added_by_one_node,
                external_keys_are_stored_seen_and_deleted_once_nobody_sees_them,
                an_external_key_is_added_by_one_node,
            }
            trusted_issuers {
                a_trusted_issuer_is_stored_changed_and_deleted, only_verified_mail_addresses_name_users,
                refused_changes_of_trusted_issuers_change_nothing,
            }
            trusted_origins {
                trusted_origins_are_added_all_or_none,
                a_trusted_origin_is_replaced_and_taken_from_the_list,
                the_list_of_trusted_origins_has_an_end,
                a_domain_is_listed_once_however_many_add_it_at_once,
                the_origins_of_an_application_are_those_of_now,
            }
            resource_servers {
                a_new_installation_has_the_built_in_scopes,
                resource_servers_and_scopes_are_added_changed_and_deleted,
                refused_changes_of_the_registry_change_nothing,
                the_description_of_a_built_in_scope_may_change,
                an_id_of_the_registry_is_never_given_twice,
                a_resource_server_has_a_limited_number_of_scopes,
                applications_consents_and_grants_keep_further_scopes,
                a_scope_stays_while_an_application_is_registered_for_it,
                a_scope_is_deleted_or_registered_but_not_both,
                a_name_of_a_scope_is_given_once_however_many_ask_at_once,
                a_scope_implies_others_of_its_resource_server,
                two_scopes_never_imply_each_other_however_many_ask_at_once,
            }
            audit {
                acts_are_written_with_their_event_and_refusals_without,
                events_are_listed_newest_first_and_narrowed,
                the_events_of_an_account_are_found,
            }
            purging {
                what_is_over_goes_in_batches_and_the_rest_stays,
                grants_of_an_earlier_epoch_go_and_later_ones_stay,
                rows_grow_with_live_grants_not_with_what_was_ever_issued,
            }
            concurrency {
                a_code_redeemed_by_many_at_once_creates_one_grant,
                replays_beside_new_grants_end_only_what_their_codes_created,
                a_generation_rotated_by_many_at_once_is_rotated_once,
                creating_beside_a_reset_is_either_dead_or_later,
                creating_beside_a_revocation_is_either_dead_or_gone,
                one_administrator_remains_of_many_who_demote_each_other,
                a_promotion_beside_a_deletion_is_either_too_late_or_stops_it,
                failures_at_once_are_counted_exactly,
                failures_beside_changes_of_the_user_are_counted_exactly,
                of_many_chosen_passwords_at_once_one_is_set,
                a_session_opened_beside_a_password_change_is_dead_or_later,
                two_secrets_are_live_however_many_are_added_at_once,
                a_name_is_given_once,
                revocations_at_once_leave_no_gap,
                a_ring_key_is_added_by_one_node,
                consents_given_at_once_are_one,
            }
        }
    };
    (@table $open:ident; $($module:ident { $($name:ident),+ $(,)? })+) => {$(
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let (store, _guard) = super::$open().await;
                    $crate::conformance::$module::$name(store).await;
                }
            )+
        }
    )+};
}
