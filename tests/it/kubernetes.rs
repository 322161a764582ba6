//! `deploy/`: what the manifest and the image say of the gateway is so.

use std::fs;
use std::process::Command;

use dragoman::config::{self, BUILT_IN, Config, Sources};
use serde_json::Value;

use crate::clients::{in_package, python};
use crate::process::{Served, curl, dragoman, finish};

fn read(path: &str) -> String {
    fs::read_to_string(in_package(path)).unwrap()
}

/// The documents of the manifest: configuration, deployment.
fn manifest() -> [Value; 2] {
    let file = in_package("deploy/kubernetes-sidecar.yaml");
    let (status, printed, said) = finish(python("yaml_to_json.py").arg(file));
    assert_eq!(status, Some(0), "{said}");
    let documents: [Value; 2] = serde_json::from_str(&printed).unwrap();
    assert_eq!(documents[0]["kind"], "ConfigMap");
    assert_eq!(documents[1]["kind"], "Deployment");
    documents
}

fn pod() -> Value {
    manifest()[1]["spec"]["template"]["spec"].clone()
}

fn sidecar() -> Value {
    pod()["initContainers"][0].clone()
}

/// The deployed configuration as a process reads it.
fn config() -> Config {
    let file = in_package("deploy/sidecar.toml");
    config::load(&Sources::new(Some(file)).without_secrets())
        .unwrap_or_else(|faults| panic!("{faults}"))
}

/// The files of the mounted volume: their paths, by where they come from.
fn mounted(source: &str) -> Vec<String> {
    let volume = pod()["volumes"][0]["projected"].clone();
    let sources = volume["sources"].as_array().unwrap();
    let source = sources.iter().find(|found| found.get(source).is_some());
    let items = source
        .unwrap()
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()["items"]
        .clone();
    let items = items.as_array().unwrap().iter();
    items
        .map(|item| item["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_manifest_has_the_sidecar_of_the_readme() {
    let deployed = read("deploy/sidecar.toml");
    assert_eq!(manifest()[0]["data"]["routes.toml"], deployed);
    assert_eq!(mounted("configMap"), ["routes.toml"]);
}

#[test]
fn the_manifest_starts_a_sidecar_whose_probes_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let routes = manifest()[0]["data"]["routes.toml"].clone();
    fs::write(
        directory.path().join("routes.toml"),
        routes.as_str().unwrap(),
    )
    .unwrap();
    fs::create_dir(directory.path().join("secrets")).unwrap();
    for path in mounted("secret") {
        fs::write(directory.path().join(&path), format!("{path}-0123456789")).unwrap();
    }
    let sidecar = sidecar();
    let mut serve = dragoman(directory.path());
    let arguments = sidecar["args"].as_array().unwrap().iter();
    serve.args(arguments.map(|argument| argument.as_str().unwrap()));
    for variable in sidecar["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        // A free port instead.
        if name != "DRAGOMAN__ADMIN__LISTEN" {
            serve.env(name, variable["value"].as_str().unwrap());
        }
    }
    let served = Served::run(&mut serve);
    for (probe, path) in [
        ("startupProbe", "/health/ready"),
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
    ] {
        let asked = &sidecar[probe]["httpGet"];
        assert_eq!(asked["path"], path, "{probe}");
        assert_eq!(asked["port"], sidecar["ports"][0]["name"], "{probe}");
        let url = format!("{}{path}", served.admin);
        let status = curl(&["-o", "/dev/null", "-w", "%{http_code}", &url]);
        assert_eq!(status, "200", "{probe}");
    }
}

#[test]
fn the_kubelet_reaches_the_probes_and_callers_outside_of_the_pod_reach_nothing() {
    let sidecar = sidecar();
    let variables = sidecar["env"].as_array().unwrap().iter();
    let variables = variables.map(|variable| {
        let text = |key: &str| variable[key].as_str().unwrap().to_owned();
        (text("name"), text("value"))
    });
    let file = in_package("deploy/sidecar.toml");
    let sources = Sources::new(Some(file)).with_environment(variables);
    let config = config::load(&sources.without_secrets()).unwrap();
    assert!(config.admin.listen.ip().is_unspecified());
    let ports = sidecar["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 1, "{ports:?}");
    assert_eq!(ports[0]["containerPort"], config.admin.listen.port());
    let callers = config.server.listen.iter().map(ToString::to_string);
    assert_eq!(callers.collect::<Vec<_>>(), ["127.0.0.1:8080"]);
    assert_eq!(config.server.workers, 1);
}

#[test]
fn the_pod_is_a_native_sidecar_that_may_do_nothing_but_serve() {
    let (pod, sidecar) = (pod(), sidecar());
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    let context = &sidecar["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(
        context["capabilities"],
        serde_json::json!({"drop": ["ALL"]})
    );
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    // The user of the image, and the group that may read the secrets.
    assert!(read("deploy/Dockerfile").contains("nonroot"));
    assert_eq!(context["runAsUser"], 65532);
    assert_eq!(pod["securityContext"]["fsGroup"], 65532);
    assert_eq!(pod["volumes"][0]["projected"]["defaultMode"], 0o440);
    let mount = &sidecar["volumeMounts"][0];
    assert_eq!(mount["readOnly"], true);
    let folder = mount["mountPath"].as_str().unwrap();
    let found = format!("\nWORKDIR {folder}\n");
    assert!(read("deploy/Dockerfile").contains(&found));
    assert_eq!(sidecar["resources"]["requests"]["memory"], "16Mi");
}

#[test]
fn the_pod_waits_longer_than_the_drain_takes() {
    let drain = config().server.drain;
    let longest = (drain.lame_duck + drain.deadline).as_secs();
    assert_eq!(longest, 26, "the manifest says 26 s");
    let grace = pod()["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(grace > longest, "{grace}");
}

#[test]
fn the_image_listens_for_callers_outside_and_keeps_its_store_on_the_volume() {
    let recipe = read("deploy/Dockerfile");
    // A variable would stand over a configuration that is mounted.
    assert!(!recipe.contains("DRAGOMAN__"), "{recipe}");
    let (_, script) = recipe.split_once("RUN sed ").unwrap();
    let (script, _) = script.split_once(" > /image/routes.toml").unwrap();
    let sed = format!("sed {}", script.replace("\\\n", " "));
    let (status, made, said) = finish(
        Command::new("sh")
            .args(["-c", &sed])
            .current_dir(in_package("")),
    );
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(made.lines().count(), BUILT_IN.lines().count());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), made).unwrap();
    let config = config::load(&Sources::new(Some(file.path().to_owned()))).unwrap();
    let listen = config.server.listen.iter().map(ToString::to_string);
    assert_eq!(listen.collect::<Vec<_>>(), ["0.0.0.0:8080"]);
    let database = config.store.database.display().to_string();
    assert_eq!(database, "/var/lib/dragoman/dragoman.db");
    assert!(recipe.contains("\nVOLUME /var/lib/dragoman\n"));
}
