//! Layers that are signed.

use kinesis_telemetry_control_plane::publishing::PROFILE;

use super::harness::{World, test, zip, zip_with};
use crate::release::Digest;

const SIGNED: &str = "--signing-profile profile --signing-bucket bucket";

#[test]
fn a_signed_layer_is_published_with_both_digests() {
    test(async || {
        let world = World::new();
        assert!(world.run(SIGNED).await.unwrap().is_done());
        world.is_published(SIGNED);
        let document = world.document().unwrap();
        let layer = &document["layers"]["arm64"];
        assert_eq!(layer["signingProfileVersionArn"], PROFILE);
        let built = Digest::of(&zip("first for arm64"));
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
fn a_signed_zip_without_a_signature_that_lambda_sees_stays_private() {
    test(async || {
        let world = World::new();
        let built = zip("first for x86_64");
        let key =
            format!("kinesis-telemetry-extension/signed/{}/job.zip", Digest::of(&built).hex());
        let other = zip_with("first for x86_64", &["META-INF/MANIFEST.MF"]);
        world.account.state().objects.insert(("bucket".to_owned(), key), other);
        let text = world.run(SIGNED).await.unwrap().text("");
        assert!(text.contains("Lambda sees no signature in arn:aws:lambda:"), "{text}");
        assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
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
