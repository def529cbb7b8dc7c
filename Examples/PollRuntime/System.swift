import Glibc
import Runtime

// The system's calls, as far as they need more words in Swift than in C.

/// What `socket(2)` and `socketpair(2)` are asked for: streams that never block and that no other program inherits.
let streamSocket = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

/// The same for datagrams.
let datagramSocket = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

/// Takes a connection off the backlog of `listener`; -1 if there is none.
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

/// A function, as something that a C function can be handed.
private final class Body: Sendable {
  let run: @Sendable () -> Void
  init(run: @escaping @Sendable () -> Void) { self.run = run }
}
