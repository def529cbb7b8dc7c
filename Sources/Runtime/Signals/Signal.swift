import Glibc

/// A signal, identified by its number (signal(7)).
public struct Signal: RawRepresentable, Hashable, Sendable {
  /// The signal's number.
  public let rawValue: Int32

  /// Creates the signal with this number. ``Signals`` rejects a number that the system does not have.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// SIGHUP: the terminal was closed. Daemons by convention reload their configuration.
  public static let hangup = Signal(rawValue: SIGHUP)
  /// SIGINT: Ctrl-C was pressed.
  public static let interrupt = Signal(rawValue: SIGINT)
  /// SIGQUIT: Ctrl-\\ was pressed.
  public static let quit = Signal(rawValue: SIGQUIT)
  /// SIGTERM: a request to terminate.
  public static let terminate = Signal(rawValue: SIGTERM)
  /// SIGUSR1, for use by programs.
  public static let user1 = Signal(rawValue: SIGUSR1)
  /// SIGUSR2, for use by programs.
  public static let user2 = Signal(rawValue: SIGUSR2)
  /// SIGPIPE: a write to a pipe or a socket without a reader.
  public static let brokenPipe = Signal(rawValue: SIGPIPE)
  /// SIGCHLD: a child process stopped or terminated.
  public static let child = Signal(rawValue: SIGCHLD)
  /// SIGWINCH: the terminal was resized.
  public static let windowChange = Signal(rawValue: SIGWINCH)

  /// Whether an instruction of the process raises the signal. The instruction is executed again when a handler returns.
  var isFault: Bool { [SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP].contains(rawValue) }
}

extension Signal: CustomStringConvertible {
  /// The signal's name, such as "SIGTERM", or its number.
  public var description: String { Self.names[rawValue] ?? "signal \(rawValue)" }

  private static let names: [Int32: String] = [
    SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGTERM: "SIGTERM", SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2",
    SIGPIPE: "SIGPIPE", SIGCHLD: "SIGCHLD", SIGWINCH: "SIGWINCH", SIGKILL: "SIGKILL", SIGSTOP: "SIGSTOP",
    SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGSEGV: "SIGSEGV", SIGSYS: "SIGSYS", SIGTRAP: "SIGTRAP",
  ]
}
