import Glibc
import RuntimePrimitives

/// A listening socket that another process has opened and handed to this one: systemd, or an earlier process of the same
/// server. Connections that came before this process did wait in it.
///
/// ```swift
/// for socket in try InheritedSocket.takeAll() {
///   let listener = try await runtime.listen(onInherited: socket)
///   ...
/// }
/// ```
///
/// It is listened on once. One that is not is closed when the last reference to it goes.
public final class InheritedSocket: Sendable {
  /// What the other process calls it (`LISTEN_FDNAMES`); `unknown` if it does not say.
  public let name: String
  /// The address that it listens on; `nil` if the descriptor is no socket with such an address.
  public let address: SocketAddress?
  private let descriptor: Lock<Int32?>

  /// Takes `descriptor` over, a listening socket, and has it closed in the programs that this process starts.
  public init(descriptor: Int32, name: String = "unknown") {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    self.name = name
    address = SocketAddress(writtenBy: { getsockname(descriptor, $0, $1) })
    self.descriptor = Lock(descriptor)
  }

  deinit {
    if let descriptor = descriptor.withLock({ $0 }) { close(descriptor) }
  }

  /// Hands the descriptor over, once, for a backend to listen on: non-blocking from now on, for every process that has it.
  /// If it fails, the descriptor is closed.
  ///
  /// - Throws: `closed` if it has been handed over before; what the system says if it is no socket; `EINVAL` if it is not
  ///   a stream socket that listens.
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
  /// Opens a socket that listens on `address`, to be handed over to other processes; see ``Supervisor``. A process that
  /// serves by itself has a runtime listen.
  ///
  /// - Parameter options: of these, ``ListenOptions/backlog``, ``ListenOptions/reuseAddress`` and
  ///   ``ListenOptions/reusePort`` are the socket's; the others are the listener's that a process makes of it. The name of
  ///   a socket in the file system is the caller's affair.
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

  /// Takes the sockets that the environment says this process has inherited, in the order in which they were handed over.
  ///
  /// That is the protocol of `sd_listen_fds(3)`: `LISTEN_FDS` is how many there are, from descriptor 3 on, `LISTEN_PID`
  /// the process that they are for, and `LISTEN_FDNAMES` their names, with colons between them. The variables are removed,
  /// so that programs which this process starts do not take the sockets for theirs. To be called before the program
  /// starts threads, since others may read the environment.
  ///
  /// - Returns: no sockets if none were handed over, or if they are for another process.
  /// - Throws: ``InvalidListenVariable`` if a variable makes no sense. The variables stay then.
  public static func takeAll() throws(InvalidListenVariable) -> [InheritedSocket] {
    // Those before it are standard input, output and error.
    try takeAll(from: 3)
  }

  /// - Parameter first: the descriptor of the first socket.
  static func takeAll(from first: Int32) throws(InvalidListenVariable) -> [InheritedSocket] {
    let names = try names(process: getpid()) { name in getenv(name).map { String(cString: $0) } }
    for variable in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] { unsetenv(variable) }
    return names.enumerated().map { index, name in
      InheritedSocket(descriptor: first + Int32(index), name: name)
    }
  }

  /// The names of the sockets that `variable` says are handed over to `process`.
  static func names(process: pid_t, _ variable: (String) -> String?) throws(InvalidListenVariable) -> [String] {
    func number(_ name: String, upTo most: Int) throws(InvalidListenVariable) -> Int? {
      guard let text = variable(name) else { return nil }
      guard let number = Int(text), (0...most).contains(number) else {
        throw InvalidListenVariable(name, value: text, choices: "a whole number from 0 to \(most)")
      }
      return number
    }
    // A process cannot have inherited more than it may have, beside standard input, output and error.
    let most = max(0, availableDescriptors() - 3)
    guard let count = try number("LISTEN_FDS", upTo: most) else { return [] }
    if let intended = try number("LISTEN_PID", upTo: Int(pid_t.max)), intended != Int(process) { return [] }
    guard let text = variable("LISTEN_FDNAMES") else { return [String](repeating: "unknown", count: count) }
    let names = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard names.count == count else {
      throw InvalidListenVariable("LISTEN_FDNAMES", value: text, choices: "\(count) names with colons between them")
    }
    return names
  }
}

/// A variable of the environment that should say which sockets the process has inherited, and does not.
public struct InvalidListenVariable: Error, Hashable, Sendable, CustomStringConvertible {
  /// The variable: `LISTEN_FDS`.
  public let name: String
  /// Its value.
  public let value: String
  /// What it has to be: "a whole number from 0 to 1021".
  public let choices: String

  init(_ name: String, value: String, choices: String) {
    self.name = name
    self.value = value
    self.choices = choices
  }

  /// As in `LISTEN_FDS: "x" is not a whole number from 0 to 1021`.
  public var description: String { "\(name): \(value.debugDescription) is not \(choices)" }
}
