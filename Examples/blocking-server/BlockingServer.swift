import Glibc
import HelloSite

/// A web server on plain sockets. It serves one connection to its end and then accepts the next.
@main enum BlockingServer {
  static func main() {
    let (listener, port) = listen(on: Settings.port)
    print("Listening on http://127.0.0.1:\(port)")
    fflush(nil)
    while true {
      let connection = accept(listener, nil, nil)
      if connection < 0 {
        // The client left before it was accepted, which is no reason to stop.
        if errno == ECONNABORTED || errno == EINTR { continue }
        fail("accept")
      }
      serve(connection)
      close(connection)
    }
  }

  /// Answers one request on `connection`. The thread does nothing else until that is done.
  static func serve(_ connection: Int32) {
    guard let page = readRequest(from: connection) else { return }
    if page == .sleep { block(for: Settings.sleep) }
    write(page.response, to: connection)
  }

  /// Reads until a request's head is complete. Returns `nil` if the client leaves before that, or the head is too long.
  static func readRequest(from connection: Int32) -> Page? {
    var request: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1024)
    while request.count < Page.longestRequest {
      let count = recv(connection, &chunk, chunk.count, 0)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return nil }
      request += chunk.prefix(count)
      if let page = Page(request: request) { return page }
    }
    return nil
  }

  /// Writes all of `bytes`. It returns early if the client has closed the connection.
  static func write(_ bytes: [UInt8], to connection: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // MSG_NOSIGNAL: without it, writing to a closed connection ends the whole process (SIGPIPE).
      let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      if count < 0 { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Blocks the thread for `duration`.
  static func block(for duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while nanosleep(&rest, &left) < 0, errno == EINTR { rest = left }
  }

  /// Listens on 127.0.0.1. Returns the descriptor and the port.
  static func listen(on port: UInt16) -> (listener: Int32, port: UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if listener < 0 { fail("socket") }
    // Without this, the port would stay unavailable for a minute after the server has ended.
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))

    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    address.sin_port = port.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        if bind(listener, address, length) < 0 { fail("bind") }
        if Glibc.listen(listener, SOMAXCONN) < 0 { fail("listen") }
        getsockname(listener, address, &length)
      }
    }
    return (listener, UInt16(bigEndian: address.sin_port))
  }

  /// Prints which call failed and why, and ends the process.
  static func fail(_ call: String) -> Never {
    perror(call)
    exit(EXIT_FAILURE)
  }
}
