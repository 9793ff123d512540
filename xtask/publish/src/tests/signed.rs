//! Layers that are signed.

use kinesis_telemetry_control_plane::publishing::profile_version;

use super::harness::{Kill, World, test, zip, zip_with};
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
        assert_eq!(layer["signingProfileVersionArn"], profile_version("profile"));
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
        let digest = Digest::of(&built).hex();
        let key = format!("kinesis-telemetry-extension/signed/profile/{digest}/job.zip");
        let other = zip_with("first for x86_64", &["META-INF/MANIFEST.MF"]);
        world.account.state().objects.insert(("bucket".to_owned(), key), other);
        let text = world.run(SIGNED).await.unwrap().text("");
        assert!(text.contains("Lambda sees no signature in arn:aws:lambda:"), "{text}");
        assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
    });
}

/// Removes the signed zips of a profile from the bucket, and returns them.
fn take(world: &World, profile: &str) -> Vec<((String, String), Vec<u8>)> {
    let is_signed = |key: &str| key.contains(&format!("/signed/{profile}/"));
    world.account.state().objects.extract_if(.., |(_, key), _| is_signed(key)).collect()
}

#[test]
fn a_failed_job_is_repeated_by_the_next_run() {
    test(async || {
        let world = World::new();
        world.account.state().failing_jobs = 2;
        for jobs in 1..=2 {
            let error = world.run(SIGNED).await.err().unwrap().to_string();
            assert!(error.contains("the zip cannot be signed. Correct that and run"), "{error}");
            assert_eq!(world.account.state().jobs.len(), jobs, "a run starts one job of its own");
        }
        assert!(world.run(SIGNED).await.unwrap().is_done());
        world.is_published("");
        assert_eq!(world.account.state().jobs.len(), 4);
    });
}

#[test]
fn a_deleted_zip_is_signed_again() {
    test(async || {
        let world = World::new();
        world.run(SIGNED).await.unwrap();
        let before = take(&world, "profile");
        for place in world.account.state().regions.values_mut() {
            place.layers.clear();
        }
        assert!(world.run(SIGNED).await.unwrap().is_done());
        world.is_published("");
        let after = take(&world, "profile");
        assert_eq!((before.len(), after.len()), (2, 2));
        assert!(after.iter().all(|it| !before.contains(it)));
    });
}

#[test]
fn a_run_killed_during_a_repetition_starts_no_further_job() {
    test(async || {
        // The calls from the first listing to the end of the first job.
        for call in 0..12 {
            for is_done in [false, true] {
                let world = World::new();
                world.account.state().failing_jobs = 1;
                assert!(world.run(SIGNED).await.is_err());
                let call = call + world.account.state().calls.len();
                world.run_until(SIGNED, Kill { call, is_done }).await;
                assert!(world.run(SIGNED).await.unwrap().is_done());
                world.is_published(&format!("{call} {is_done}"));
                assert_eq!(world.account.state().jobs.len(), 3, "{call} {is_done}");
            }
        }
    });
}

#[test]
fn another_profile_makes_other_signatures() {
    test(async || {
        let world = World::new();
        let other = "--signing-profile other --signing-bucket bucket";
        world.run(other).await.unwrap();
        let text = world.run(SIGNED).await.unwrap().text("");
        assert!(text.contains("is another build of v1.2.3"), "{text}");
        for place in world.account.state().regions.values_mut() {
            place.layers.clear();
        }
        assert!(world.run(SIGNED).await.unwrap().is_done());
        let signers = world.versions().into_iter().map(|it| it.2.signer);
        assert!(signers.eq(vec![Some(profile_version("profile")); 6]));
        assert_eq!((take(&world, "other").len(), take(&world, "profile").len()), (2, 2));
    });
}

#[test]
fn a_zip_with_the_signature_of_another_profile_stays_private() {
    test(async || {
        let world = World::new();
        world.run("--signing-profile other --signing-bucket bucket").await.unwrap();
        for ((bucket, key), zip) in take(&world, "other") {
            let key = key.replace("/other/", "/profile/");
            world.account.state().objects.insert((bucket, key), zip);
        }
        for place in world.account.state().regions.values_mut() {
            place.layers.clear();
        }
        for _ in 0..2 {
            let text = world.run(SIGNED).await.unwrap().text("");
            assert!(text.contains("Lambda sees the signature of arn:aws:signer:"), "{text}");
            assert!(text.contains("--signing-profile is profile: delete the version"), "{text}");
            assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
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
