//! Layers that are signed.

use super::harness::{World, test, zip};

const SIGNED: &str = "--signing-profile profile --signing-bucket bucket";

#[test]
fn a_signed_layer_is_published_with_both_digests() {
    test(async || {
        let world = World::new();
        assert!(world.run(SIGNED).await.unwrap().is_done());
        world.is_published(SIGNED);
        let document = world.document().unwrap();
        let layer = &document["layers"]["arm64"];
        assert_eq!(layer["isSigned"], true);
        let built = crate::release::Digest::of(&zip("first for arm64"));
        assert_eq!(layer["sha256"], built.hex());
        assert_ne!(layer["codeSha256"], built.of_code());
        let state = world.account.state();
        assert_eq!(state.jobs.len(), 2);
        assert_eq!(state.objects.len(), 4, "both zips, before and after");
    });
}

#[test]
fn a_second_run_signs_nothing() {
    test(async || {
        let world = World::new();
        world.run(SIGNED).await.unwrap();
        let before = world.versions();
        assert!(world.run(SIGNED).await.unwrap().is_done());
        assert_eq!(world.account.state().jobs.len(), 2);
        assert_eq!(world.versions(), before);
    });
}

#[test]
fn a_signed_zip_with_other_content_is_refused() {
    test(async || {
        let world = World::new();
        world.run(&format!("{SIGNED} --dry-run")).await.unwrap();
        world.run(SIGNED).await.unwrap();
        let keys: Vec<_> = world.account.state().objects.keys().cloned().collect();
        let key = keys.into_iter().find(|(_, key)| key.contains("/signed/")).unwrap();
        for (zip, why) in [
            (zip("evil"), "extensions/kinesis-telemetry-extension was changed"),
            (b"no zip".to_vec(), "it is not a zip"),
        ] {
            world.account.state().objects.insert(key.clone(), zip);
            let error = format!("{:#}", world.run(SIGNED).await.err().unwrap());
            assert!(error.contains(why), "{error}");
            assert!(error.contains("delete it and run this command again"), "{error}");
        }
    });
}

#[test]
fn a_plan_names_what_is_not_signed() {
    test(async || {
        let world = World::new();
        let text = world.run(&format!("{SIGNED} --dry-run")).await.unwrap().text("");
        assert!(text.contains("sign, publish, verify, open"), "{text}");
        assert!(world.account.state().jobs.is_empty());
    });
}
