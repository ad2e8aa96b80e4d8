//! The files that a gateway watches.

use super::*;

#[test]
fn a_watched_file_is_compared_as_it_was_written_and_in_any_other_form() {
    let (checked, policy, _) = compiled();
    let files = built(&TARGET, WORLD).unwrap().bundle.artifacts;
    let judged = |path: &str, text: String| {
        let mut files = files.clone();
        files.get_mut(path).unwrap().bytes = text.into_bytes();
        verify(TargetId::Envoy, &files, checked.model(), &policy)
    };
    for file in ["central/xds/cds.yaml", "central/xds/lds.yaml", "central/xds/rds.yaml", "retail/xds/rds.yaml"] {
        let path = format!("envoy/{file}");
        let text = String::from_utf8(files[&path].bytes.clone()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        judged(&path, text.clone()).unwrap();
        judged(&path, serde_yaml::to_string(&value).unwrap()).unwrap();
        let twice = text.replacen("\"name\": ", "\"name\": \"x\", \"name\": ", 1);
        let other = text.replacen("5s", "6s", 1).replacen("ALLOW", "DENY", 1).replacen("AUTO", "HTTP2", 1);
        for changed in
            [twice, other, format!("{text}x"), text.replacen("v3.", "v2.", 1), "{}".to_owned(), String::new()]
        {
            assert_ne!(changed, text);
            assert!(judged(&path, changed).is_err(), "{file}");
        }
    }
}

#[test]
fn a_watched_file_that_says_something_else_is_caught() {
    let (checked, policy, folders) = compiled();
    for name in ["central", "retail"] {
        for file in [
            "bootstrap.yaml",
            "xds/cds.yaml",
            "xds/lds.yaml",
            "xds/rds.yaml",
            "xds/secrets/authorities.yaml",
            "xds/secrets/certificate.yaml",
        ] {
            let mut changed = folders.clone();
            let value = changed.get_mut(name).unwrap().get_mut(file).unwrap();
            let text = serde_json::to_string(value)
                .unwrap()
                .replace("seller", "helper")
                .replace("./xds", "./old")
                .replace("/tls", "/other");
            *value = match file {
                "xds/cds.yaml" => json!({"resources": []}),
                _ => serde_json::from_str(&text).unwrap(),
            };
            assert!(caught(&changed, checked.model(), &policy), "{name}/{file}");
            changed.get_mut(name).unwrap().remove(file);
            assert!(caught(&changed, checked.model(), &policy), "{name} without {file}");
        }
        let mut changed = folders.clone();
        changed.remove(name);
        assert!(caught(&changed, checked.model(), &policy), "without {name}");
    }
}
