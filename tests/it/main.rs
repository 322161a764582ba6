//! The integration tests: one binary, one file a capability.

// Tells clippy that everything in here is a test, helpers too.
#![cfg(test)]

mod caller;
mod cli_check;
mod cli_keys;
mod clients;
mod config_golden;
mod config_layers;
mod config_reference;
mod dependencies;
mod first_start;
mod flood;
mod golden;
mod harness;
mod key_life;
mod key_refusals;
mod key_scopes;
mod kinds;
mod layout;
mod notify;
mod process;
mod readme;
mod recorded;
mod server_accept;
mod server_drain;
mod server_harness;
mod server_health;
mod server_protocol;
mod server_proxy_protocol;
mod server_signals;
mod server_stalls;
mod server_stalls_http2;
mod store_audit;
mod store_calls;
mod store_durability;
mod store_fixture;
mod store_groups;
mod store_housekeeping_backup;
mod store_housekeeping_check;
mod store_housekeeping_full;
mod store_housekeeping_locked;
mod store_housekeeping_restore;
mod store_housekeeping_wal;
mod store_key_uses;
mod store_keys;
mod store_kill;
mod store_names;
mod store_rotation;
mod store_search;
mod store_users;
mod throttle;
