//! What is settled at the start: a change of it takes a restart.

use super::{Admin, Auth, Config, Server, Store};

impl Config {
    /// The options in which `next` differs and that a running gateway does not change, by their paths.
    ///
    /// Every field is named here, so that one that is added has to be judged.
    pub fn unchangeable(&self, next: &Self) -> Vec<&'static str> {
        let Self {
            file: _,
            server,
            admin,
            store,
            has_store,
            auth,
            notify,
            log,
            observe,
            keys: _,
            upstreams: _,
            ready: _,
            routes: _,
            passes: _,
            sites: _,
            fixed: _,
        } = self;
        let sections = [
            (*has_store != next.has_store, "store (whether there is one)"),
            (*notify != next.notify, "notify"),
            (log.filter != next.log.filter, "log.filter"),
            (log.format != next.log.format, "log.format"),
            (*observe != next.observe, "observe.file"),
        ];
        server
            .unchangeable(&next.server)
            .into_iter()
            .chain(admin.unchangeable(&next.admin))
            .chain(store.unchangeable(&next.store))
            .chain(auth.unchangeable(&next.auth))
            .chain(sections)
            .filter_map(|(differs, path)| differs.then_some(path))
            .collect()
    }
}

impl Server {
    fn unchangeable(&self, next: &Self) -> Vec<(bool, &'static str)> {
        let Self {
            listen,
            workers,
            buffered_bodies: _,
            proxy_protocol,
            tls: _,
            limits,
            drain,
        } = self;
        vec![
            (*listen != next.listen, "server.listen"),
            (*workers != next.workers, "server.workers"),
            (
                *proxy_protocol != next.proxy_protocol,
                "server.proxy_protocol",
            ),
            (*limits != next.limits, "server.limits"),
            (*drain != next.drain, "server.drain"),
        ]
    }
}

impl Admin {
    fn unchangeable(&self, next: &Self) -> Vec<(bool, &'static str)> {
        let Self { listen, control } = self;
        vec![
            (*listen != next.listen, "admin.listen"),
            (*control != next.control, "admin.control"),
        ]
    }
}

impl Store {
    fn unchangeable(&self, next: &Self) -> Vec<(bool, &'static str)> {
        let Self {
            database,
            account,
            parameters,
        } = self;
        vec![
            (*database != next.database, "store.url"),
            (*account != next.account, "store.account"),
            (
                parameters.reserved_names != next.parameters.reserved_names,
                "store.reserved_names",
            ),
            (
                parameters.readers != next.parameters.readers,
                "store.readers",
            ),
            (
                parameters.cached_users != next.parameters.cached_users,
                "store.cached_users",
            ),
        ]
    }
}

impl Auth {
    /// Whose word on addresses is taken is also what connections are counted by.
    fn unchangeable(&self, next: &Self) -> Vec<(bool, &'static str)> {
        let Self {
            pepper_file,
            trusted_proxies,
            sign_in: _,
        } = self;
        vec![
            (*pepper_file != next.pepper_file, "auth.pepper_file"),
            (
                *trusted_proxies != next.trusted_proxies,
                "auth.trusted_proxies",
            ),
        ]
    }
}
