import Runtime
import RuntimeSelection

/// Serves with several processes of this program until a signal ends them.
///
/// - Parameter socket: The inherited socket to listen on, if there is one.
/// - Returns: The exit status.
func supervise(_ options: Options, _ socket: InheritedSocket?, _ notifier: ServiceNotifier?) throws -> Int32 {
  let socket = try socket ?? open(options)
  let address = socket.address.map { "http://\($0)" } ?? "an inherited socket"
  let supervisor = try Supervisor(processes: options.processes, sockets: [socket])
  supervisor.heartbeatLimit = options.heartbeatLimit
  supervisor.logFormat = options.logs.errors
  supervisor.notifier = notifier
  supervisor.onReady = {
    let runtime = options.runtime.kind.rawValue
    let count = options.processes == 1 ? "1 process" : "\(options.processes) processes"
    let line = "Gearbox WebApp on \(address) (runtime \(runtime), \(count))"
    // Like `Logs.printLine`, which cannot be used here because it starts threads.
    printLine(options.logs.accessIsJSONOnOutput ? LogEvent(.info, line).line(.json) : line)
  }
  return try supervisor.run()
}

private func open(_ options: Options) throws(CannotListen) -> InheritedSocket {
  do throws(IOError) {
    return try InheritedSocket.open(on: options.address, options: options.listening)
  } catch {
    throw CannotListen(address: "\(options.address)", error: error)
  }
}

extension Options {
  /// The options for listening.
  var listening: ListenOptions {
    var listening = ListenOptions()
    listening.reusePort = reusesPort
    return listening
  }
}
