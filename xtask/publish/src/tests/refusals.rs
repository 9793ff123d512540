//! Inputs that a run refuses, with their messages.

use super::harness::{COMMIT, REGIONS, World, test, zip};
use kinesis_telemetry_control_plane::publishing::Canary;
use serde_json::json;

#[test]
fn a_layer_that_does_not_work_keeps_everything_private() {
    test(async || {
        let world = World::new();
        world.account.state().regions.get_mut(REGIONS[2]).unwrap().is_broken = true;
        let summary = world.run("").await.unwrap();
        let text = summary.text("");
        assert!(!summary.is_done());
        assert!(text.contains("the extension is not ready: EXTENSION Name: kinesis-telemetry-extension State: LaunchError"), "{text}");
        assert!(world.versions().iter().all(|it| it.2.statements.is_empty()));
        assert!(world.account.state().regions.values().all(|it| it.functions.is_empty()));
        world.account.check();
    });
}

#[test]
fn a_layer_that_was_tampered_with_is_refused_before_the_first_call() {
    test(async || {
        let world = World::new();
        world.write("kinesis-telemetry-extension-arm64.zip", &zip("evil"));
        let error = world.run("").await.err().unwrap().to_string();
        assert!(error.contains("kinesis-telemetry-extension-arm64.zip was changed"), "{error}");
        assert!(error.contains("nothing was published"), "{error}");
        assert_eq!(world.account.state().calls, [""; 0]);
    });
}

#[test]
fn a_release_without_a_commit_is_refused_before_the_first_call() {
    test(async || {
        let world = World::new();
        world.write("manifest.json", br#"{ "version": "1.2.3", "files": [] }"#);
        let error = world.run("").await.err().unwrap().to_string();
        assert!(error.contains("changes that no commit has"), "{error}");
        assert_eq!(world.account.state().calls, [""; 0]);
    });
}

#[test]
fn documents_of_two_releases_are_refused_before_the_first_call() {
    test(async || {
        for (version, commit) in [("1.2.4", COMMIT), ("1.2.3", "76543210")] {
            let world = World::new();
            let layers = json!({ "version": version, "commit": commit, "layers": {} });
            world.write("layers.json", layers.to_string().as_bytes());
            let error = world.run("").await.err().unwrap().to_string();
            assert!(
                error.contains(&format!("layers.json is about v{version} ({commit})")),
                "{error}"
            );
            assert_eq!(world.account.state().calls, [""; 0]);
        }
    });
}

#[test]
fn another_build_under_the_same_version_is_refused() {
    test(async || {
        let world = World::new();
        world.run("").await.unwrap();
        let before = world.versions();
        world.make("1.2.3", "second");
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("is another build of v1.2.3"), "{text}");
        assert!(text.contains("raise the version in Cargo.toml"), "{text}");
        assert_eq!(world.versions(), before);
    });
}

#[test]
fn the_next_release_gets_the_next_number_and_the_last_one_is_found_among_many() {
    test(async || {
        let world = World::new();
        for patch in 0..25 {
            world.make(&format!("1.2.{patch}"), &patch.to_string());
            assert!(world.run("").await.unwrap().is_done());
        }
        assert_eq!(world.versions().iter().map(|it| it.2.number).max(), Some(25));
        let before = world.versions();
        world.make("1.2.0", "0");
        assert!(world.run("").await.unwrap().is_done());
        assert_eq!(world.versions(), before);
        let document = world.document().unwrap();
        assert!(document["regions"][REGIONS[0]]["arm64"].as_str().unwrap().ends_with("-arm64:1"));
        world.account.check();
    });
}

#[test]
fn an_organization_gets_the_layers_alone() {
    test(async || {
        let world = World::new();
        assert!(world.run("--organization o-1").await.unwrap().is_done());
        let statement = world.versions()[0].2.statements[0].clone();
        assert_eq!(
            statement["Condition"],
            json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } })
        );
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("give the same --organization as before"), "{text}");
        assert_eq!(world.versions()[0].2.statements, [statement]);
    });
}

#[test]
fn a_function_of_others_with_the_name_of_ours_is_left_alone() {
    test(async || {
        let world = World::new();
        let theirs = Canary { description: "theirs".to_owned(), ..Canary::default() };
        let name = "kinesis-telemetry-extension-canary-x86_64".to_owned();
        let functions = |world: &World| world.account.state().regions[REGIONS[0]].functions.len();
        world.account.state().regions.get_mut(REGIONS[0]).unwrap().functions.insert(name, theirs);
        let text = world.run("").await.unwrap().text("");
        assert!(text.contains("was not made by this command"), "{text}");
        assert_eq!(functions(&world), 1);
        world.account.check();
    });
}

#[test]
fn a_plan_changes_nothing_and_says_what_is_due() {
    test(async || {
        let world = World::new();
        let text = world.run("--dry-run").await.unwrap().text("111122223333");
        expect_test::expect![[r"
            kinesis-telemetry-extension v1.2.3 (0123456789abcdef0123456789abcdef01234567) in account 111122223333

            region          x86_64  arm64  to do
            eu-central-1    -       -      publish, verify, open
            us-east-1       -       -      publish, verify, open
            ap-southeast-7  -       -      publish, verify, open

            Nothing was changed.
        "]]
        .assert_eq(&text);
        assert!(world.account.state().calls.iter().all(|it| *it == "ListLayerVersions"));
        world.run("").await.unwrap();
        let text = world.run("--dry-run").await.unwrap().text("111122223333");
        assert!(text.contains("us-east-1       1       1      nothing"), "{text}");
    });
}
