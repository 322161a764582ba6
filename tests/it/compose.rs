//! `deploy/compose.yaml`: what it says of image, ports, volumes and paths is so, as far as that can be known
//! without an engine for containers.

use std::fs;
use std::io::Write;
use std::path::Path;

use dragoman::config::{self, Config, Sources};
use dragoman::route::Mode;
use serde_json::Value;

use crate::clients::{in_package, python};
use crate::pass_fixture::RawSite;
use crate::process::{Served, curl, dragoman, finish};

const STATE: &str = "/var/lib/dragoman";

fn compose() -> Value {
    let file = in_package("deploy/compose.yaml");
    let (status, printed, said) = finish(python("yaml_to_json.py").arg(file));
    assert_eq!(status, Some(0), "{said}");
    let documents: [Value; 1] = serde_json::from_str(&printed).unwrap();
    documents[0].clone()
}

fn gateway() -> Value {
    compose()["services"]["gateway"].clone()
}

/// The list of texts there.
fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Where a volume of that source is mounted.
fn mounted(source: &str) -> String {
    let volumes = texts(&gateway()["volumes"]);
    let found = volumes
        .iter()
        .find_map(|it| it.strip_prefix(&format!("{source}:")));
    found.unwrap_or_else(|| panic!("{volumes:?}")).to_owned()
}

fn config() -> Config {
    let file = in_package("deploy/front-door.toml");
    config::load(&Sources::new(Some(file))).unwrap_or_else(|faults| panic!("{faults}"))
}

fn recipe() -> String {
    fs::read_to_string(in_package("deploy/Dockerfile")).unwrap()
}

#[test]
fn the_image_is_built_here_and_its_port_is_where_the_configuration_listens() {
    let gateway = gateway();
    let context = gateway["build"]["context"].as_str().unwrap();
    let context = in_package("deploy").join(context).canonicalize().unwrap();
    assert_eq!(context, in_package("").canonicalize().unwrap());
    let dockerfile = gateway["build"]["dockerfile"].as_str().unwrap();
    assert!(context.join(dockerfile).is_file(), "{dockerfile}");
    let [ports] = &texts(&gateway["ports"])[..] else {
        panic!("{gateway}");
    };
    let (_, inside) = ports.split_once(':').unwrap();
    assert!(recipe().contains(&format!("\nEXPOSE {inside}\n")));
    let listen = config()
        .server
        .listen
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    assert_eq!(listen, [format!("0.0.0.0:{inside}")]);
    // The image asks the admin listener inside of it.
    assert!(config().admin.listen.ip().is_loopback());
}

#[test]
fn the_configuration_is_where_the_image_looks_and_the_state_is_on_the_volume() {
    let recipe = recipe();
    let (_, directory) = recipe.split_once("\nWORKDIR /etc").unwrap();
    let directory = format!("/etc{}", directory.lines().next().unwrap());
    assert_eq!(
        mounted("./front-door.toml"),
        format!("{directory}/routes.toml:ro")
    );
    assert_eq!(mounted("state"), STATE);
    assert!(recipe.contains(&format!("\nVOLUME {STATE}\n")));
    assert!(
        compose()["volumes"]
            .as_object()
            .unwrap()
            .contains_key("state")
    );
    assert_eq!(gateway()["read_only"], true);
    let config = config();
    let control = config.admin.control.clone().unwrap();
    for path in [
        &config.store.database,
        &control,
        config.observe.file.as_ref().unwrap(),
    ] {
        assert!(path.starts_with(STATE), "{}", path.display());
    }
    let drain = config.server.drain;
    let longest = (drain.lame_duck + drain.deadline).as_secs();
    let grace = gateway()["stop_grace_period"].as_str().unwrap().to_owned();
    let grace: u64 = grace.strip_suffix('s').unwrap().parse().unwrap();
    assert!(grace > longest, "{grace} and {longest}");
}

#[test]
fn the_site_that_is_named_is_a_service_that_callers_reach_by_the_gateway_only() {
    let config = config();
    let [site] = &config.sites[..] else {
        panic!("{} sites", config.sites.len());
    };
    let host = site
        .first
        .client
        .host
        .to_str()
        .unwrap()
        .split(':')
        .next()
        .unwrap()
        .to_owned();
    let services = compose()["services"].clone();
    assert!(services[&host].is_object(), "{host}");
    assert_eq!(services[&host]["ports"], Value::Null);
    assert_eq!(texts(&gateway()["depends_on"]), [host]);
    assert_eq!(config.routes[0].mode, Mode::Observe);
}

#[test]
fn it_starts_and_hands_everything_on_to_the_site() {
    let site = RawSite::start(|stream, _| {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nthe site";
        stream.write_all(answer).unwrap();
    });
    let directory = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(in_package("deploy/front-door.toml")).unwrap();
    let state = directory.path().join("state");
    fs::create_dir(&state).unwrap();
    let text = text
        .replace(STATE, state.to_str().unwrap())
        .replace("http://site:80", &format!("http://{}", site.address));
    fs::write(directory.path().join("routes.toml"), text).unwrap();
    let served = Served::start(directory.path());
    assert_eq!(curl(&[&format!("{}/", served.url)]), "the site");
    // As the comments of the file have it.
    let comments = fs::read_to_string(in_package("deploy/compose.yaml")).unwrap();
    assert!(comments.contains(" exec gateway dragoman route api bypass\n"));
    for (arguments, wanted) in [
        (
            &["route", "api", "translate"][..],
            "api: translate (was observe)\n",
        ),
        (&["route", "api", "bypass"], "api: bypass (was translate)\n"),
    ] {
        let (code, _, said) = finish(dragoman(directory.path()).args(arguments));
        assert_eq!((code, said.as_str()), (Some(0), wanted));
    }
    let beside: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(beside.len(), 2, "something is written beside the volume");
    assert!(Path::new(&state.join("dragoman.db")).exists());
}
