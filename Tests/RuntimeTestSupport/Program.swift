import Glibc
package import Runtime
import Synchronization

/// A program of this package, running as a process.
package final class Program: Sendable {
  package enum End: Equatable { case exited(Int32), signalled(Int32) }

  private let process: pid_t
  private let output: Int32
  private let error: Int32
  private let isReaped = Atomic(false)

  /// Starts the program called `name`, which is in the directory of the test bundle.
  ///
  /// - Parameters:
  ///   - preparation: commands of a shell that then becomes the program, such as `ulimit -n 40`.
  ///   - listener: a socket that it inherits as descriptor 3. It needs a preparation, at least `export LISTEN_PID=$$`.
  ///   - hasStuckErrors: whether writes to its standard error block.
  ///   - blockedSignal: a signal that it inherits as blocked.
  package init(
    _ name: String, _ arguments: [String] = [], environment: [String] = [], after preparation: String? = nil,
    listener: Int32? = nil,
    hasStuckErrors: Bool = false, blockedSignal: Int32? = nil
  ) throws(IOError) {
    let bundle = CommandLine.arguments[0]
    let path = bundle.prefix(upTo: bundle.lastIndex(of: "/") ?? bundle.startIndex) + "/" + name
    let (output, error) = (try Self.pipe(), try Self.pipe())
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error.write, STDERR_FILENO)
    if hasStuckErrors {
      let dashes = [UInt8](repeating: UInt8(ascii: "-"), count: 4096)
      while send(error.write, dashes, dashes.count, Int32(MSG_DONTWAIT)) > 0 {}
    }
    var words = [String(path)] + arguments
    if let preparation {
      // The program must not inherit descriptors of other tests.
      if let listener { posix_spawn_file_actions_adddup2(&actions, listener, 3) }
      for number in (listener == nil ? 3 : 4)..<Int32(256) { posix_spawn_file_actions_addclose(&actions, number) }
      words = ["/bin/sh", "-c", "\(preparation); exec \"$0\" \"$@\""] + words
    }
    let argv = words.map { strdup($0) } + [nil]
    // Built with coverage, it would write its counters into the working directory.
    let envp = (environment + ["LLVM_PROFILE_FILE=/dev/null"]).map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    if let blockedSignal {
      var blocked = sigset_t()
      sigemptyset(&blocked)
      sigaddset(&blocked, blockedSignal)
      posix_spawnattr_setsigmask(&attributes, &blocked)
      posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    }
    var process: pid_t = 0
    let result = posix_spawn(&process, words[0], &actions, &attributes, argv, envp)
    close(output.write)
    close(error.write)
    guard result == 0 else { throw IOError(.socket, .system(result)) }
    self.process = process
    (self.output, self.error) = (output.read, error.read)
  }

  deinit {
    // A failed test leaves its program without a wait, and the test library's own wait for programs would spin as
    // long.
    if !isReaped.load(ordering: .acquiring) {
      kill(process, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) == -1, errno == EINTR {}
    }
    close(output)
    close(error)
  }

  package func signal(_ number: Int32) { kill(process, number) }

  /// The next line of its standard output; `nil` at the end.
  package func readLine() async -> String? {
    await onThreadOfItsOwn { [output] in
      let line = Self.bytes(of: output) { $0 != 0x0A }
      return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
  }

  /// The address in its first line.
  package func address() async -> SocketAddress? {
    let words = await readLine()?.split(separator: " ") ?? []
    return words.first { $0.hasPrefix("http://") }.flatMap { SocketAddress($0.dropFirst(7)) }
  }

  /// The next line of its standard error, except reports of stalls; `nil` at the end.
  package func readErrorLine() async -> String? {
    await onThreadOfItsOwn { [error] in
      while true {
        let line = String(decoding: Self.bytes(of: error) { $0 != 0x0A }, as: UTF8.self)
        if !Self.reportsStall(line) { return line.isEmpty ? nil : line }
      }
    }
  }

  /// Whether `line` reports a stall, in text or in JSON.
  private static func reportsStall(_ line: some StringProtocol) -> Bool {
    line.contains("Z warning: stall: ") || line.contains(#""level":"warning","message":"stall: "#)
  }

  /// Whether it has ended or is ending.
  package var isOver: Bool {
    var byte: CChar = 0
    return readlink("/proc/\(process)/exe", &byte, 1) < 0
  }

  /// The files of its open descriptors.
  package var files: [String] { (0..<100).map(file).filter { !$0.isEmpty } }

  /// The file of its descriptor `number`; empty if that is closed.
  package func file(_ number: Int32) -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    let count = readlink("/proc/\(process)/fd/\(number)", &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Its whole standard error, once it has ended, except reports of stalls, which a busy machine may cause.
  package func errors() async -> String {
    await onThreadOfItsOwn { [error] in
      let text = String(decoding: Self.bytes(of: error) { _ in true }, as: UTF8.self)
      return text.split(separator: "\n", omittingEmptySubsequences: false).filter { !Self.reportsStall($0) }
        .joined(separator: "\n")
    }
  }

  /// Waits for its end, and returns how it ended.
  package func end() async -> End {
    await onThreadOfItsOwn { [self] in
      var status: Int32 = 0
      while waitpid(process, &status, 0) == -1, errno == EINTR {}
      isReaped.store(true, ordering: .releasing)
      return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }
  }

  private static func bytes(of descriptor: Int32, while condition: (UInt8) -> Bool) -> [UInt8] {
    var all: [UInt8] = []
    var byte: UInt8 = 0
    while read(descriptor, &byte, 1) == 1, condition(byte) { all.append(byte) }
    return all
  }

  private static func pipe() throws(IOError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    // Close-on-exec, since the programs of other tests would otherwise keep this pipe open.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw IOError(.socket, .system(errno)) }
    return (ends[0], ends[1])
  }
}
