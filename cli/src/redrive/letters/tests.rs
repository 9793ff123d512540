use super::*;

fn file(letters: &mut Letters, pieces: &[&Piece]) -> Outcome {
    let message = |it: &&Piece| ((*it).clone(), format!("m{}", it.number));
    letters.file(pieces.iter().map(message).collect())
}

fn data(outcome: &Outcome) -> Vec<&[u8]> {
    outcome.whole.iter().map(|it| it.data.as_slice()).collect()
}

fn reasons(outcome: &Outcome) -> Vec<String> {
    outcome.kept.iter().map(|it| it.reason.to_string()).collect()
}

/// Returns two pieces of a record whose name contains its checksum.
fn proved() -> (Piece, Piece) {
    let name = format!("i-1-2-{:08x}", crc32fast::hash(b"ab\n"));
    (Piece::sample(&name, 1, 2, "a"), Piece::sample(&name, 2, 2, "b\n"))
}

#[test]
fn pieces_that_match_their_checksum_are_complete_at_once() {
    let (one, two) = proved();
    let mut letters = Letters::default();
    assert_eq!(file(&mut letters, &[&two, &two]), Outcome::default());
    let outcome = file(&mut letters, &[&one]);
    assert_eq!(data(&outcome), [b"ab\n"]);
    assert_eq!(outcome.whole[0].messages, ["m2", "m2", "m1"]);
    assert_eq!((letters.bytes, letters.by_key.len(), letters.ages.len()), (0, 0, 0));
}

#[test]
fn base64_is_decoded_after_its_pieces_are_joined() {
    let piece = |number, body| {
        let mut piece = Piece::sample("i", number, 2, body);
        piece.key.encoding = Encoding::Base64;
        piece
    };
    let mut letters = Letters::default();
    // The cut is inside of a base64 group.
    file(&mut letters, &[&piece(1, "H4"), &piece(2, "sI")]);
    assert_eq!(data(&letters.rest(true)), [[0x1F, 0x8B, 0x08]]);
}

#[test]
fn pieces_without_a_checksum_wait_for_the_end_of_the_queue() {
    let (one, two) = (Piece::sample("i", 1, 2, "a"), Piece::sample("i", 2, 2, "b\n"));
    let mut letters = Letters::default();
    assert_eq!(file(&mut letters, &[&one, &two]), Outcome::default());
    assert_eq!(data(&letters.rest(true)), [b"ab\n"]);

    file(&mut letters, &[&one, &two]);
    let outcome = file(&mut letters, &[&Piece::sample("i", 2, 2, "evil\n")]);
    assert!(reasons(&outcome)[0].contains("two different versions of its piece 2"), "{outcome:?}");
    assert_eq!(outcome.kept[0].messages, 3);
    // Later pieces are kept, too.
    assert_eq!(file(&mut letters, &[&one]).kept[0].messages, 1);
    assert_eq!(letters.rest(false), Outcome::default());
}

#[test]
fn letters_of_one_piece_are_never_joined() {
    let mut letters = Letters::default();
    let outcome =
        file(&mut letters, &[&Piece::sample("i", 1, 1, "a"), &Piece::sample("i", 1, 1, "b")]);
    assert_eq!(data(&outcome), [b"a", b"b"]);
    assert_eq!(outcome.whole[0].messages.len(), 1);
}

#[test]
fn a_forged_piece_never_becomes_a_part_of_a_genuine_record() {
    let (one, two) = proved();
    let forged = Piece { body: "evil\n".into(), ..two.clone() };
    let mut letters = Letters::default();
    let outcome = file(&mut letters, &[&one, &forged]);
    assert!(reasons(&outcome)[0].contains("do not match the checksum"), "{outcome:?}");
    assert_eq!(file(&mut letters, &[&two]).kept[0].messages, 1);
    assert!(letters.rest(true).whole.is_empty());
}

#[test]
fn missing_pieces_are_listed_up_to_ten() {
    let mut letters = Letters::default();
    file(&mut letters, &[&Piece::sample("i", 2, 2, "b"), &Piece::sample("j", 1, 1000, "a")]);
    assert_eq!(
        reasons(&letters.rest(true)),
        [
            "of its 2 pieces, these are not in the queue: 1",
            "of its 1000 pieces, these are not in the queue: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 989 more"
        ]
    );
    file(&mut letters, &[&Piece::sample("i", 2, 2, "b")]);
    assert_eq!(reasons(&letters.rest(false)), ["redrive stopped before the end of the queue"]);
}

#[test]
fn unfinished_letters_take_no_more_memory_than_allowed() {
    let (one, two) = proved();
    let mut letters = Letters { most_bytes: 1024 * 1024, ..Letters::default() };
    let mut kept = 0;
    for n in 0..100_000_u32 {
        let outcome = file(&mut letters, &[&Piece::sample(&n.to_string(), 1, 2, "a")]);
        assert!(outcome.whole.is_empty());
        kept += outcome.kept.len();
        assert!(letters.bytes <= letters.most_bytes && letters.by_key.len() <= 256);
    }
    // Good records in between are joined.
    kept += file(&mut letters, &[&one]).kept.len();
    assert_eq!(data(&file(&mut letters, &[&two])), [b"ab\n"]);
    kept += letters.rest(true).kept.len();
    assert_eq!((kept, letters.bytes), (100_000, 0));
}

#[test]
fn a_complete_letter_that_is_released_is_written() {
    let mut letters = Letters { most_bytes: 3 * MESSAGE_BYTES, ..Letters::default() };
    let pieces = [Piece::sample("i", 1, 2, "a"), Piece::sample("i", 2, 2, "b\n")];
    file(&mut letters, &[&pieces[0], &pieces[1]]);
    let outcome = file(&mut letters, &[&Piece::sample("j", 1, 2, "a")]);
    assert_eq!(data(&outcome), [b"ab\n"]);
    assert!(outcome.kept.is_empty());
}

#[test]
fn pieces_that_are_larger_than_a_record_take_no_memory() {
    let large = "x".repeat(8 * 1024 * 1024);
    let mut letters = Letters::default();
    file(&mut letters, &[&Piece::sample("i", 1, 3, &large)]);
    let outcome = file(&mut letters, &[&Piece::sample("i", 2, 3, &large)]);
    assert!(reasons(&outcome)[0].contains("larger than a Kinesis record can be"), "{outcome:?}");
    assert_eq!(letters.bytes, MESSAGE_BYTES);
}
