import Glibc

/// A signal of the system, by its number (signal(7)).
public struct Signal: RawRepresentable, Hashable, Sendable {
  /// The system's number of it.
  public let rawValue: Int32

  /// The signal of that number, which may be one that the system does not have: ``Signals`` refuses it then.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// SIGHUP: the terminal has gone. Many programs that have none read their configuration again.
  public static let hangup = Signal(rawValue: SIGHUP)
  /// SIGINT: Ctrl-C.
  public static let interrupt = Signal(rawValue: SIGINT)
  /// SIGQUIT: Ctrl-\\.
  public static let quit = Signal(rawValue: SIGQUIT)
  /// SIGTERM: the process is asked to end.
  public static let terminate = Signal(rawValue: SIGTERM)
  /// SIGUSR1, for the program's own use.
  public static let user1 = Signal(rawValue: SIGUSR1)
  /// SIGUSR2, for the program's own use.
  public static let user2 = Signal(rawValue: SIGUSR2)
  /// SIGPIPE: something was written to a pipe or a socket whose reader has gone.
  public static let brokenPipe = Signal(rawValue: SIGPIPE)
  /// SIGCHLD: a child process has stopped or ended.
  public static let child = Signal(rawValue: SIGCHLD)
  /// SIGWINCH: the terminal has another size.
  public static let windowChange = Signal(rawValue: SIGWINCH)

  /// Whether it comes of an instruction of the process. When a handler returns, the instruction is run once more.
  var isFault: Bool { [SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP].contains(rawValue) }
}

extension Signal: CustomStringConvertible {
  /// The system's name of the signal, such as "SIGTERM", or its number.
  public var description: String { Self.names[rawValue] ?? "signal \(rawValue)" }

  private static let names: [Int32: String] = [
    SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGTERM: "SIGTERM", SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2",
    SIGPIPE: "SIGPIPE", SIGCHLD: "SIGCHLD", SIGWINCH: "SIGWINCH", SIGKILL: "SIGKILL", SIGSTOP: "SIGSTOP",
    SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGSEGV: "SIGSEGV", SIGSYS: "SIGSYS", SIGTRAP: "SIGTRAP",
  ]
}
