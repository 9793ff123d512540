//! The licences that dependencies may have. `checks::dependencies` enforces them, and `deny.toml` repeats them.

/// This file, as the compiler names it.
pub(crate) const DECLARED_IN: &str = file!();

/// The licences that ask no more of who passes this project on than to keep a notice.
pub(crate) const LICENCES: [&str; 7] =
    ["MIT", "Apache-2.0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Unicode-3.0", "Zlib"];

/// The packages that may have a further licence: name, licence, reason.
pub(crate) const LICENCE_EXCEPTIONS: [(&str, &str, &str); 3] = [
    (
        "minicbor",
        "BlueOak-1.0.0",
        "permissive, and approved by the OSI; aws-sdk-cloudwatch speaks CBOR with it, in the CLI alone",
    ),
    (
        "webpki-root-certs",
        "CDLA-Permissive-2.0",
        "the same list as webpki-roots, as certificates: the CLI trusts it where a machine has none",
    ),
    (
        "webpki-roots",
        "CDLA-Permissive-2.0",
        "made for data, such as Mozilla's list of root certificates; asks no more than the others",
    ),
];
