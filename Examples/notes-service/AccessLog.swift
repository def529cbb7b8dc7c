import RuntimeHTTP

/// Writes a line about each request.
struct AccessLog: RequestObserver {
  let write: @Sendable (String) -> Void

  func requestEnded(_ record: RequestRecord) {
    let request = record.request.map { "\($0.method) \($0.path)" } ?? "a request that made no sense"
    let status = record.status.map { "\($0.code)" } ?? "no response"
    let bytes = "\(record.receivedLength) bytes in, \(record.sentLength) out"
    let milliseconds = (record.duration / .milliseconds(1) * 10).rounded() / 10
    write("\(request): \(status), \(bytes), \(milliseconds) ms, \(record.ending)")
  }
}
