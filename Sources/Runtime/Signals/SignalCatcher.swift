import CRuntime
import Glibc
import RuntimePrimitives

/// The signals that the process catches, and their receivers.
///
/// The signal handler counts a signal and wakes a thread, which passes the signal to the receivers.
enum SignalCatcher {
  private static let state = Lock(State())

  private struct State {
    var receivers: [any SignalReceiver] = []
    var hasThread = false

    func catches(_ signal: Signal) -> Bool { receivers.contains { $0.signals.contains(signal) } }
  }

  /// The range of signal numbers.
  private static let numbers: ClosedRange<Int32> = 1...64

  /// Starts catching the signals of `receiver` and passing them to it.
  static func add(_ receiver: some SignalReceiver) throws(SignalError) {
    try state.withLock { state throws(SignalError) in
      try startThread(&state)
      var caught: [Signal] = []
      for signal in receiver.signals where !state.catches(signal) {
        if let error = Self.catch(signal) {
          for signal in caught { gearbox_release_signal(signal.rawValue) }
          throw error
        }
        caught.append(signal)
      }
      state.receivers.append(receiver)
    }
    // The thread unblocks the signals.
    gearbox_end_wait_for_signal()
  }

  /// Stops passing signals to `receiver`, and restores the previous disposition of signals without another receiver.
  static func remove(_ receiver: some SignalReceiver) {
    state.withLock { state in
      // A receiver whose `add` failed is not in the list.
      guard let index = state.receivers.firstIndex(where: { $0 === receiver }) else { return }
      state.receivers.remove(at: index)
      for signal in receiver.signals where !state.catches(signal) { gearbox_release_signal(signal.rawValue) }
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
      try Thread(name: "gearbox-signals") { deliverSignals() }.detach()
    } catch {
      throw .noThread(error)
    }
    state.hasThread = true
  }

  /// Passes signals to their receivers, forever.
  private static func deliverSignals() {
    var inherited = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &inherited)
    while true {
      unblock(beyond: inherited)
      gearbox_wait_for_signal()
      // The counts are taken under the lock: a receiver that is added later gets only later signals.
      let (arrived, receivers) = state.withLock { state in
        let arrived = numbers.map { (signal: Signal(rawValue: $0), count: Int(gearbox_take_signal_count($0))) }
        return (arrived.filter { $0.count > 0 }, state.receivers)
      }
      for (signal, count) in arrived {
        for receiver in receivers where receiver.signals.contains(signal) { receiver.receive(signal, count: count) }
      }
    }
  }

  /// Unblocks the caught signals in the calling thread, and restores its inherited mask for all others.
  ///
  /// A process inherits its parent's signal mask. One thread with the signals unblocked is enough.
  private static func unblock(beyond inherited: sigset_t) {
    var blocked = inherited
    for receiver in state.withLock({ $0.receivers }) {
      for signal in receiver.signals { sigdelset(&blocked, signal.rawValue) }
    }
    pthread_sigmask(SIG_SETMASK, &blocked, nil)
  }
}
