import Glibc
import Runtime

// Wrappers of system calls that are awkward to call from Swift.

/// The type argument of `socket(2)` and `socketpair(2)`: non-blocking streams that other programs do not inherit.
let streamSocket = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

/// The same for datagrams.
let datagramSocket = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

/// Accepts a connection from the backlog of `listener`; -1 if there is none.
func acceptDescriptor(_ listener: Int32) -> Int32 {
  let descriptor = accept(listener, nil, nil)
  guard descriptor >= 0 else { return descriptor }
  _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  return descriptor
}

/// Starts a thread that runs `body`.
func startThread(_ body: @escaping @Sendable () -> Void) throws(IOError) -> pthread_t {
  let body = Unmanaged.passRetained(Body(run: body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { body in
      if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
      return nil
    }, body.toOpaque())
  guard code == 0 else {
    body.release()
    throw IOError(.thread, .system(code))
  }
  return thread
}

/// Wraps a function so that it can be passed through C.
private final class Body: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}
