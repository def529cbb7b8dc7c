import CRuntime
import Glibc

/// The signals that the process catches, and for which sequences.
///
/// A handler counts a signal and ends the wait of a thread, which hands the signal on to the mailboxes that are there.
enum SignalCatcher {
  private static let state = Lock(State())

  private struct State {
    var mailboxes: [SignalMailbox] = []
    var hasThread = false

    func catches(_ signal: Signal) -> Bool { mailboxes.contains { $0.signals.contains(signal) } }
  }

  /// The numbers that signals have.
  private static let numbers: ClosedRange<Int32> = 1...64

  /// Has the signals of `mailbox` caught and put into it.
  static func add(_ mailbox: SignalMailbox) throws(SignalError) {
    try state.withLock { state throws(SignalError) in
      try startThread(&state)
      var caught: [Signal] = []
      for signal in mailbox.signals where !state.catches(signal) {
        if let error = Self.catch(signal) {
          for signal in caught { gearbox_release_signal(signal.rawValue) }
          throw error
        }
        caught.append(signal)
      }
      state.mailboxes.append(mailbox)
    }
    // The thread unblocks them.
    gearbox_end_wait_for_signal()
  }

  /// Puts nothing more into `mailbox`, and restores what the process did about signals that no other mailbox is for.
  static func remove(_ mailbox: SignalMailbox) {
    state.withLock { state in
      // It is not in there if it could not be added.
      guard let place = state.mailboxes.firstIndex(where: { $0 === mailbox }) else { return }
      state.mailboxes.remove(at: place)
      for signal in mailbox.signals where !state.catches(signal) { gearbox_release_signal(signal.rawValue) }
    }
    gearbox_end_wait_for_signal()
  }

  private static func `catch`(_ signal: Signal) -> SignalError? {
    if signal.isFault { return .fault(signal) }
    return gearbox_catch_signal(signal.rawValue) == 0 ? nil : .uncatchable(signal)
  }

  private static func startThread(_ state: inout State) throws(SignalError) {
    guard !state.hasThread else { return }
    do throws(IOError) {
      try Thread(name: "gearbox-signals") { handOn() }.detach()
    } catch {
      throw .noThread(error)
    }
    state.hasThread = true
  }

  /// Hands on what comes, for ever.
  private static func handOn() {
    var inherited = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &inherited)
    while true {
      unblock(beyond: inherited)
      gearbox_wait_for_signal()
      // Counts are taken under the lock: a mailbox that is added later is for signals that come later.
      let (come, mailboxes) = state.withLock { state in
        let come = numbers.map { (signal: Signal(rawValue: $0), count: Int(gearbox_take_signal($0))) }
        return (come.filter { $0.count > 0 }, state.mailboxes)
      }
      for (signal, count) in come {
        for mailbox in mailboxes where mailbox.signals.contains(signal) { mailbox.put(signal, count: count) }
      }
    }
  }

  /// Has the calling thread take the signals that are caught, and of the others those that it took in the beginning.
  ///
  /// A process inherits what its parent has blocked. One thread that takes the signals is enough.
  private static func unblock(beyond inherited: sigset_t) {
    var blocked = inherited
    for mailbox in state.withLock({ $0.mailboxes }) {
      for signal in mailbox.signals { sigdelset(&blocked, signal.rawValue) }
    }
    pthread_sigmask(SIG_SETMASK, &blocked, nil)
  }
}
