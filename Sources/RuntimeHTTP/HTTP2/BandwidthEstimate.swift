/// Estimates how many bytes are in flight on a connection: bandwidth times round trip. A smaller receive window slows
/// the peer down, and a larger one only costs memory.
///
/// This is hyper's method. A PING is sent while content is arriving, and the content that arrives until its
/// acknowledgement is what one round trip delivers. If that is most of the window, the window limits the peer and is
/// doubled, as long as the bandwidth still rises.
struct BandwidthEstimate: Sendable {
  /// The window that the estimate suggests.
  private(set) var window: Int
  private let bound: Int
  /// The number of bytes received since the PING in flight was sent or, if there is none, since the last
  /// acknowledgement.
  private var bytes = 0
  /// The time at which it was sent, in nanoseconds.
  private var sent: Int64?
  /// The round trip in nanoseconds, smoothed as in TCP.
  private var roundTrip = 0.0
  /// The highest bandwidth seen, in bytes per nanosecond.
  private var bandwidth = 0.0

  /// Whether a PING is in flight.
  var isMeasuring: Bool { sent != nil }

  init(window: Int, bound: Int) {
    self.window = window
    self.bound = max(window, bound)
  }

  /// Counts content received at `now`.
  ///
  /// - Returns: Whether to send a PING.
  mutating func receive(_ count: Int, now: Int64) -> Bool {
    guard window < bound else { return false }
    bytes += count
    // The window does not limit a client that sends a form now and then, and a PING would cost as much as the form.
    guard sent == nil, bytes >= window / 4 else { return false }
    sent = now
    bytes = count
    return true
  }

  /// Handles the acknowledgement of the PING, received at `now`.
  ///
  /// - Returns: Whether the window has changed.
  mutating func acknowledge(now: Int64) -> Bool {
    guard let start = sent else { return false }
    sent = nil
    defer { bytes = 0 }
    let sample = Double(max(1, now - start))
    roundTrip = roundTrip == 0 ? sample : roundTrip + (sample - roundTrip) / 8
    // The content took somewhat more than a round trip, because the PING waited behind other data.
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
