import CRuntime
import Glibc
import RuntimePrimitives

/// Starts this program again as a supervised process.
///
/// It uses `posix_spawn`, because Swift's runtime guarantees nothing about its state in a process made by `fork` alone.
struct ProcessStarter {
  /// The environment variable that tells the process which descriptor is its channel to the supervisor.
  static let variable = "GEARBOX_SUPERVISOR"
  /// Signals that the supervisor waits for. Its processes get their default dispositions.
  static let signals = [SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR2]

  /// The path of the program. It is looked up at each start, so a file that replaces the program is what the next
  /// process runs.
  private let path: String
  private let arguments: [String]
  private let environment: [String]
  /// The listening sockets, in the order of their descriptors in the new process.
  private let sockets: [Int32]

  /// Creates a starter for the running program.
  ///
  /// - Parameter sockets: the listening sockets and their names. The caller closes them.
  init(handingOver sockets: [(descriptor: Int32, name: String)]) throws(IOError) {
    guard let path = Self.programPath else { throw IOError(.open, .system(errno)) }
    self.path = path
    arguments = CommandLine.arguments
    let own = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", Self.variable]
    environment =
      Self.environment.filter { variable in !own.contains { variable.hasPrefix($0 + "=") } } + [
        "LISTEN_FDS=\(sockets.count)", "LISTEN_FDNAMES=\(sockets.map(\.name).joined(separator: ":"))",
        "\(Self.variable)=\(3 + sockets.count)",
      ]
    self.sockets = sockets.map(\.descriptor)
  }

  /// Starts a process.
  func start() throws(IOError) -> SupervisedProcess {
    var ends: [Int32] = [-1, -1]
    // A packet socket delivers each message whole or not at all.
    let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw IOError(.socket, .system(errno)) }
    defer { close(ends[1]) }
    do throws(IOError) {
      return SupervisedProcess(try spawn(inheriting: sockets + [ends[1]]), channel: ends[0])
    } catch {
      close(ends[0])
      throw error
    }
  }

  /// Starts a process that has `descriptors` from number 3 on, and otherwise only the standard ones.
  private func spawn(inheriting descriptors: [Int32]) throws(IOError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Duplicated above the target numbers first, so that no `dup2` replaces a descriptor that is still needed.
    let beyond = 3 + Int32(descriptors.count)
    let copies = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, beyond) }
    defer { for copy in copies where copy >= 0 { close(copy) } }
    guard !copies.contains(where: { $0 < 0 }) else { throw IOError(.open, .system(errno)) }
    for (number, copy) in zip(Int32(3)..., copies) { posix_spawn_file_actions_adddup2(&actions, copy, number) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, usual) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigemptyset(&usual)
    for signal in Self.signals + [SIGPIPE] { sigaddset(&usual, signal) }
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &usual)
    // In a process group of its own: the supervisor passes signals on, and one from the terminal would arrive twice.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var id: pid_t = 0
    let code = posix_spawn(&id, path, &actions, &attributes, argv, envp)
    guard code == 0 else { throw IOError(.open, .system(code)) }
    return id
  }

  private static var programPath: String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static var environment: [String] {
    var variables: [String] = []
    var next = environ
    while let variable = next.pointee {
      variables.append(String(cString: variable))
      next += 1
    }
    return variables
  }
}
