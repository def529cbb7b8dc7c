import Glibc
import RuntimePrimitives

/// A listening socket that another process has opened and passed to this one, such as systemd or a previous process of
/// the same server. Connections that arrived before this process started wait in its backlog.
///
/// ```swift
/// for socket in try InheritedSocket.takeAll() {
///   let listener = try await runtime.listen(onInherited: socket)
///   ...
/// }
/// ```
///
/// A socket can be used for one listener. If it is not used, it is closed with the last reference.
public final class InheritedSocket: Sendable {
  /// The name given by the other process (`LISTEN_FDNAMES`); `unknown` if it gave none.
  public let name: String
  /// The address that the socket listens on; `nil` if the descriptor is not a socket with a supported address.
  public let address: SocketAddress?
  private let descriptor: Lock<Int32?>

  /// Takes ownership of `descriptor`, a listening socket, and marks it close-on-exec.
  public init(descriptor: Int32, name: String = "unknown") {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    self.name = name
    address = SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })
    self.descriptor = Lock(descriptor)
  }

  deinit {
    if let descriptor = descriptor.withLock({ $0 }) { close(descriptor) }
  }

  /// Returns the descriptor, in non-blocking mode, for a backend to listen on. Ownership passes to the caller, and a
  /// second call fails. The mode applies to every process that shares the socket. If the call throws, the descriptor is
  /// closed.
  ///
  /// - Throws: `closed` if the descriptor has been taken before; the system's error if it is not a socket; `EINVAL` if
  ///   it is not a listening stream socket.
  public func takeDescriptor() throws(IOError) -> Int32 {
    guard let descriptor = descriptor.withLock({ exchange(&$0, with: nil) }) else { throw IOError(.listen, .closed) }
    do throws(IOError) {
      guard try Self.option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
        try Self.option(SO_ACCEPTCONN, of: descriptor) != 0
      else { throw IOError(.listen, .system(EINVAL)) }
      guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 else {
        throw IOError(.listen, .system(errno))
      }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }

  private static func option(_ name: Int32, of descriptor: Int32) throws(IOError) -> Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 else { throw IOError(.listen, .system(errno)) }
    return value
  }
}

extension InheritedSocket {
  /// Opens a socket that listens on `address`, to be passed to other processes; see ``Supervisor``. A process that
  /// serves by itself calls `listen` of its runtime instead.
  ///
  /// - Parameter options: ``ListenOptions/backlog``, ``ListenOptions/reuseAddress`` and ``ListenOptions/reusePort``
  ///   apply to the socket. The other options apply to the listener that a process creates from it. The caller has to
  ///   remove the name of a socket in the file system.
  public static func open(
    on address: SocketAddress, options: ListenOptions = ListenOptions()
  ) throws(IOError) -> InheritedSocket {
    let descriptor = Glibc.socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    var on: Int32 = 1
    for (option, isOn) in [(SO_REUSEADDR, options.reuseAddress), (SO_REUSEPORT, options.reusePort)] where isOn {
      setsockopt(descriptor, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    do throws(IOError) {
      guard address.withSystemAddress({ bind(descriptor, $0, $1) }) == 0 else { throw IOError(.bind, .system(errno)) }
      guard listen(descriptor, options.backlog) == 0 else { throw IOError(.listen, .system(errno)) }
    } catch {
      close(descriptor)
      throw error
    }
    return InheritedSocket(descriptor: descriptor)
  }

  /// Takes the inherited sockets that the environment describes, in the order in which they were passed.
  ///
  /// This is the protocol of `sd_listen_fds(3)`: `LISTEN_FDS` is the number of sockets, from descriptor 3 on,
  /// `LISTEN_PID` the process that they are for, and `LISTEN_FDNAMES` their names, separated by colons. The variables
  /// are removed, so that programs started by this process do not claim the sockets. Call it before the program starts
  /// threads, since other threads may read the environment.
  ///
  /// - Returns: the sockets; none if none were passed, or if they are for another process.
  /// - Throws: ``InvalidListenVariable`` if a variable is malformed. The variables then remain.
  public static func takeAll() throws(InvalidListenVariable) -> [InheritedSocket] {
    // Descriptors 0 to 2 are standard input, output and error.
    try takeAll(from: 3)
  }

  /// Takes the sockets from descriptor `first` on.
  static func takeAll(from first: Int32) throws(InvalidListenVariable) -> [InheritedSocket] {
    let names = try names(process: getpid()) { name in getenv(name).map { String(cString: $0) } }
    for variable in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] { unsetenv(variable) }
    return names.enumerated().map { index, name in
      InheritedSocket(descriptor: first + Int32(index), name: name)
    }
  }

  /// Returns the names of the sockets that the variables pass to `process`.
  static func names(process: pid_t, _ variable: (String) -> String?) throws(InvalidListenVariable) -> [String] {
    func number(_ name: String, upTo maximum: Int) throws(InvalidListenVariable) -> Int? {
      guard let text = variable(name) else { return nil }
      guard let number = Int(text), (0...maximum).contains(number) else {
        throw InvalidListenVariable(name, value: text, choices: "a whole number from 0 to \(maximum)")
      }
      return number
    }
    // The number of inherited sockets cannot exceed the descriptor limit, less standard input, output and error.
    let maximum = max(0, availableDescriptors() - 3)
    guard let count = try number("LISTEN_FDS", upTo: maximum) else { return [] }
    if let intended = try number("LISTEN_PID", upTo: Int(pid_t.max)), intended != Int(process) { return [] }
    guard let text = variable("LISTEN_FDNAMES") else { return [String](repeating: "unknown", count: count) }
    let names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard names.count == count else {
      throw InvalidListenVariable("LISTEN_FDNAMES", value: text, choices: "\(count) names separated by colons")
    }
    return names
  }
}

/// The error of an environment variable that should describe inherited sockets but is malformed.
public struct InvalidListenVariable: Error, Hashable, Sendable, CustomStringConvertible {
  /// The variable's name, such as `LISTEN_FDS`.
  public let name: String
  /// The variable's value.
  public let value: String
  /// The values that it may have, such as "a whole number from 0 to 1021".
  public let choices: String

  init(_ name: String, value: String, choices: String) {
    self.name = name
    self.value = value
    self.choices = choices
  }

  /// A description such as `LISTEN_FDS: "x" is not a whole number from 0 to 1021`.
  public var description: String { "\(name): \(value.debugDescription) is not \(choices)" }
}
