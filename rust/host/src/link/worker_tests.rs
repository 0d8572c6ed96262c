//! A worker's end, talking over a real socket to a controller that says what each test has it say.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

use engine::wire::frame;
use engine::wire::message::{self, FromWorker, ToWorker};
use engine::{Death, FixtureId, Slot, StopKind, TestId, Timing, Verdict};
use rustix::io::{read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::{Ended, LinkError, Peek, WorkerLink};
use crate::page::{Page, Phase};
use crate::process::{death, wait_for};

const GW0: Slot = Slot(0);

struct Controller {
    socket: OwnedFd,
    page: Arc<Page>,
    input: Vec<u8>,
}

impl Controller {
    /// Both ends; the worker has said that it is ready.
    fn and_worker() -> (Self, WorkerLink) {
        let (near, far) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        let page = Arc::new(Page::new(1).unwrap());
        let mut controller = Self { socket: near, page: Arc::clone(&page), input: Vec::new() };
        let link = WorkerLink::new(far, GW0, page).unwrap();
        controller.hears(&FromWorker::Ready);
        (controller, link)
    }

    fn hands_out(&self, tests: &[u32]) {
        let epoch = self.page.grant(GW0, tests.len() as u32).unwrap();
        self.says(&ToWorker::Run { epoch, tests: tests.iter().copied().map(TestId).collect() });
    }

    fn says(&self, command: &ToWorker) {
        write(&self.socket, &framed(command)).unwrap();
    }

    /// The next message is this one.
    fn hears(&mut self, expected: &FromWorker<'_>) {
        let used = loop {
            if let Some((bytes, used)) = frame::split(&self.input).unwrap() {
                assert_eq!(message::decode::<FromWorker<'_>>(bytes).as_ref(), Ok(expected));
                break used;
            }
            let mut chunk = [0; 1024];
            let count = read(&self.socket, &mut chunk[..]).unwrap();
            assert_ne!(count, 0, "the worker hung up instead of saying {expected:?}");
            self.input.extend_from_slice(&chunk[..count]);
        };
        self.input.drain(..used);
    }
}

fn framed(command: &ToWorker) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mark = frame::begin(&mut bytes);
    message::encode(command, &mut bytes);
    frame::finish(&mut bytes, mark).unwrap();
    bytes
}

fn passed(test: u32) -> Ended<'static> {
    Ended {
        test: TestId(test),
        verdict: Verdict::Passed,
        failures: 0,
        timing: Timing { start: 1_700_000_000.0, call: 0.5, ..Timing::default() },
        set_ups: vec![(FixtureId(3), 0.25)],
        message: "",
        payload: b"reports",
        decisive: false,
    }
}

fn passed_message(test: u32, next: Option<u32>) -> FromWorker<'static> {
    let Ended { test, verdict, failures, timing, set_ups, message, payload, .. } = passed(test);
    FromWorker::Ended { test, verdict, failures, timing, set_ups, message, payload, next: next.map(TestId) }
}

#[test]
fn peeking_starts_nothing() {
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[4, 5]);
    assert_eq!(link.peek().unwrap(), Peek::Test(TestId(4)));
    assert_eq!(link.peek().unwrap(), Peek::Test(TestId(4)));
    assert_eq!(controller.page.ahead(GW0), 2);
    assert_eq!(controller.page.running(), []);
}

#[test]
fn taking_a_test_reports_its_start() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[4]);
    assert_eq!(link.wait().unwrap(), Some(TestId(4)));
    assert_eq!(link.take().unwrap(), Some(TestId(4)));
    controller.hears(&FromWorker::Started { test: TestId(4) });
    assert_eq!(controller.page.doing(GW0), (Phase::Setup, TestId(4)));
    assert_eq!(controller.page.ahead(GW0), 0);
}

#[test]
fn an_ended_test_claims_the_next() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    link.wait().unwrap();
    link.take().unwrap();
    controller.hears(&FromWorker::Started { test: TestId(1) });
    assert_eq!(link.ended(passed(1)).unwrap(), Some(TestId(2)));
    controller.hears(&passed_message(1, Some(2)));
    assert_eq!(link.ended(passed(2)).unwrap(), None);
    controller.hears(&passed_message(2, None));
}

#[test]
fn a_report_too_long_claims_nothing() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    link.wait().unwrap();
    link.take().unwrap();
    controller.hears(&FromWorker::Started { test: TestId(1) });
    let payload = vec![0; frame::MAX_LENGTH];
    let refused = link.ended(Ended { payload: &payload, ..passed(1) });
    assert!(matches!(refused, Err(LinkError::TooLong(length)) if length > frame::MAX_LENGTH as u64));
    assert_eq!(controller.page.ahead(GW0), 1);
    assert_eq!(controller.page.doing(GW0), (Phase::Setup, TestId(1)));
    assert_eq!(link.ended(passed(1)).unwrap(), Some(TestId(2)));
    controller.hears(&passed_message(1, Some(2)));
}

#[test]
fn the_longest_ended_message_fits_its_bound() {
    let longest = Ended {
        test: TestId(u32::MAX),
        failures: u32::MAX,
        timing: Timing { start: 1.0, setup: 1.0, call: 1.0, teardown: 1.0, shared: 1.0 },
        set_ups: vec![(FixtureId(u32::MAX), 1.0); 100],
        ..passed(1)
    };
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[u32::MAX]);
    link.wait().unwrap();
    let texts = longest.payload.len();
    link.ended(longest).unwrap();
    let mut sent = vec![0; 8192];
    let count = read(&controller.socket, &mut sent[..]).unwrap();
    let (message, _) = frame::split(&sent[..count]).unwrap().unwrap();
    assert!(message.len() < 128 + 16 * 100 + texts, "{} bytes", message.len());
}

#[test]
fn an_empty_queue_asks_for_more() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1]);
    link.wait().unwrap();
    link.take().unwrap();
    controller.hears(&FromWorker::Started { test: TestId(1) });
    let worker = thread::spawn(move || link.peek());
    controller.hears(&FromWorker::NextWanted { seen: 1 });
    controller.hands_out(&[2]);
    assert_eq!(worker.join().unwrap().unwrap(), Peek::Test(TestId(2)));
}

#[test]
fn an_idle_worker_waits_for_the_next_test() {
    let (controller, mut link) = Controller::and_worker();
    controller.says(&ToWorker::Idle);
    assert_eq!(link.peek().unwrap(), Peek::NotNow);
    let worker = thread::spawn(move || link.wait());
    controller.hands_out(&[7]);
    assert_eq!(worker.join().unwrap().unwrap(), Some(TestId(7)));
}

#[test]
fn nothing_begins_behind_a_decisive_test() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    link.wait().unwrap();
    link.take().unwrap();
    controller.says(&ToWorker::AllHeard);
    assert_eq!(link.ended(Ended { decisive: true, ..passed(1) }).unwrap(), None);
    controller.hears(&FromWorker::Started { test: TestId(1) });
    controller.hears(&passed_message(1, None));
    controller.hears(&FromWorker::AllSaid);
    assert_eq!(link.wait().unwrap(), Some(TestId(2)));
}

#[test]
fn finish_means_to_leave() {
    let (controller, mut link) = Controller::and_worker();
    controller.says(&ToWorker::Finish);
    assert_eq!(link.peek().unwrap(), Peek::Nothing);
    assert_eq!(link.wait().unwrap(), None);
}

#[test]
fn finish_waits_for_what_was_handed_out() {
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1]);
    controller.says(&ToWorker::Finish);
    assert_eq!(link.wait().unwrap(), Some(TestId(1)));
    assert_eq!(link.take().unwrap(), Some(TestId(1)));
    assert_eq!(link.wait().unwrap(), None);
}

#[test]
fn a_test_taken_back_is_not_claimed() {
    let (mut controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    link.wait().unwrap();
    link.take().unwrap();
    controller.hears(&FromWorker::Started { test: TestId(1) });
    assert_eq!(controller.page.take_back(GW0), 1);
    assert_eq!(link.ended(passed(1)).unwrap(), None);
    controller.hears(&passed_message(1, None));
    let worker = thread::spawn(move || link.peek());
    controller.hears(&FromWorker::NextWanted { seen: 1 });
    controller.says(&ToWorker::Finish);
    assert_eq!(worker.join().unwrap().unwrap(), Peek::Nothing);
}

#[test]
fn a_test_may_go_while_the_worker_prepares() {
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1]);
    assert_eq!(link.wait().unwrap(), Some(TestId(1)));
    controller.page.take_back(GW0);
    assert_eq!(link.take().unwrap(), None);
    assert_eq!(controller.page.running(), []);
}

#[test]
fn what_comes_after_a_take_back_starts() {
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    controller.page.take_back(GW0);
    controller.hands_out(&[3]);
    assert_eq!(link.wait().unwrap(), Some(TestId(3)));
    assert_eq!(link.take().unwrap(), Some(TestId(3)));
}

#[test]
fn a_frame_in_pieces_is_put_together() {
    let (controller, mut link) = Controller::and_worker();
    let worker = thread::spawn(move || link.peek());
    for byte in framed(&ToWorker::Idle) {
        write(&controller.socket, &[byte]).unwrap();
        thread::yield_now();
    }
    assert_eq!(worker.join().unwrap().unwrap(), Peek::NotNow);
}

#[test]
fn words_beside_the_tests_arrive() {
    let (mut controller, mut link) = Controller::and_worker();
    link.between_tests(1, "late teardown", b"reports").unwrap();
    controller.says(&ToWorker::AllHeard);
    link.stop(StopKind::Exit, "enough", Some(5)).unwrap();
    link.finished(b"output").unwrap();
    controller.hears(&FromWorker::BetweenTests { failures: 1, message: "late teardown", payload: b"reports" });
    controller.hears(&FromWorker::Stop { kind: StopKind::Exit, text: "enough", code: Some(5) });
    controller.hears(&FromWorker::AllSaid);
    controller.hears(&FromWorker::Finished { payload: b"output" });
}

#[test]
fn a_controller_that_is_gone_is_noticed() {
    let (controller, mut link) = Controller::and_worker();
    drop(controller);
    assert!(matches!(link.wait(), Err(LinkError::Closed)));
    assert!(matches!(link.ended(passed(1)), Err(LinkError::Closed)));
}

#[test]
fn a_controller_that_died_unheard_is_noticed() {
    let (controller, mut link) = Controller::and_worker();
    link.finished(b"never read").unwrap();
    drop(controller);
    assert!(matches!(link.wait(), Err(LinkError::Closed)));
}

#[test]
fn what_is_no_message_is_refused() {
    let (controller, mut link) = Controller::and_worker();
    write(&controller.socket, &[255; 8]).unwrap();
    assert!(matches!(link.wait(), Err(LinkError::Wire(_))));
}

#[test]
fn a_fork_of_the_worker_may_not_speak() {
    let (controller, mut link) = Controller::and_worker();
    controller.hands_out(&[1, 2]);
    link.wait().unwrap();
    let ended = passed(1);
    link.place().enter(TestId(1), Phase::Call);
    // SAFETY: the child locks nothing before it ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        link.place().enter(TestId(1), Phase::Teardown);
        let refused = matches!(link.peek(), Err(LinkError::Forked))
            && matches!(link.take(), Err(LinkError::Forked))
            && matches!(link.ended(ended), Err(LinkError::Forked));
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(i32::from(refused)) };
    }
    assert_eq!(death(wait_for(child).status), Death::Exited(1));
    assert_eq!(controller.page.ahead(GW0), 2);
    assert_eq!(controller.page.doing(GW0), (Phase::Call, TestId(1)));
    assert_eq!(link.take().unwrap(), Some(TestId(1)));
}
