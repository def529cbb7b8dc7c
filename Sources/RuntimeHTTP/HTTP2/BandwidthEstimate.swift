/// Estimates how many bytes a connection holds on its way: bandwidth times round trip. A receive window of less slows
/// the peer, and one of more only costs memory.
///
/// It is hyper's method: a PING goes out with content on its way, and what comes until its acknowledgement is what one
/// round trip brings. Where that is most of the window, the window is what holds the peer up, and is doubled, as long as
/// the bandwidth still rises with it.
struct BandwidthEstimate: Sendable {
  /// The window that seems right.
  private(set) var window: Int
  private let bound: Int
  /// The bytes that have come since the PING that is under way, or since the acknowledgement of the last.
  private var bytes = 0
  /// When that was sent, in nanoseconds.
  private var sent: Int64?
  /// The round trip, in nanoseconds, smoothed as TCP does.
  private var roundTrip = 0.0
  /// The greatest bandwidth seen, in bytes a nanosecond.
  private var bandwidth = 0.0

  /// Whether a PING is under way.
  var isMeasuring: Bool { sent != nil }

  init(window: Int, bound: Int) {
    self.window = window
    self.bound = max(window, bound)
  }

  /// Counts content that has come at `now`.
  ///
  /// - Returns: whether to send a PING.
  mutating func receive(_ count: Int, now: Int64) -> Bool {
    guard window < bound else { return false }
    bytes += count
    // No window holds up somebody who sends a form now and then, and a PING would cost as much as the form.
    guard sent == nil, bytes >= window / 4 else { return false }
    sent = now
    bytes = count
    return true
  }

  /// Takes the acknowledgement of the PING, which came at `now`.
  ///
  /// - Returns: whether the window has changed.
  mutating func acknowledge(now: Int64) -> Bool {
    guard let start = sent else { return false }
    sent = nil
    defer { bytes = 0 }
    let sample = Double(max(1, now - start))
    roundTrip = roundTrip == 0 ? sample : roundTrip + (sample - roundTrip) / 8
    // What comes in a round trip came in somewhat more than one: the PING waited behind other things.
    let rate = Double(bytes) / (roundTrip * 1.5)
    guard rate > bandwidth else { return false }
    bandwidth = rate
    guard bytes >= window * 2 / 3 else { return false }
    let larger = min(bytes * 2, bound)
    guard larger > window else { return false }
    window = larger
    return true
  }
}
