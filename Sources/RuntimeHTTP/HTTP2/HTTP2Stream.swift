/// A stream (RFC 9113 section 5): the protocol state of one request and its response.
struct HTTP2Stream: Sendable {
  /// The state of the stream (section 5.1). States for pushed streams are missing because we do not push.
  struct State: Sendable {
    /// Whether the peer has sent everything: "half-closed (remote)".
    var remoteIsClosed = false
    /// Whether we have sent everything: "half-closed (local)".
    var localIsClosed = false
    /// The way in which the stream closed, once it has.
    var end: ClosedStreams.End?

    var isClosed: Bool { end != nil }
  }

  /// The number of bytes that a stream counts for in addition to its head and content, for its handler's task and
  /// related state.
  static let heldLength = 4096

  private(set) var id: StreamID = 0
  /// The tick in which the stream was opened.
  var firstTick: UInt64 = 0
  var state = State()
  /// Whether the stream's handler is still running, even if the stream has closed.
  var hasHandler = false

  // MARK: Receiving

  var head = RequestHead()
  var receiveWindow = ReceiveWindow(0)
  /// The number of bytes of content still to come, if the request has declared a length.
  var remainingLength: Int?
  var receivedLength = 0
  /// Content that the handler has not read.
  var unread: [UInt8] = []
  /// The number of bytes that the handler's last read returned, which it may still be using.
  var takenCount = 0
  /// The number of bytes that the handler has read and is known to keep.
  var collectedCount = 0
  /// The length of the head while it counts as held.
  var headLength = 0
  var trailers = HeaderFields()
  /// The reason why reading fails although the stream is open.
  var readingError: WireError?
  /// The trace of the request, if there are observers.
  var trace: RequestTrace?
  /// Whether the request is invalid, so that its response does not count as useful work.
  var isRefused = false
  /// Whether further content is discarded because it will not be read.
  var isDiscarding = false
  /// The number of bytes discarded since the response was sent.
  var drainedLength = 0

  // MARK: Sending

  var sendWindow = SendWindow(0)
  var priority = Priority(isIncremental: true)
  /// The content to send, from `sentCount` on.
  var unsent: [UInt8] = []
  var sentCount = 0
  /// Whether nothing but the trailers follows the unsent content.
  var hasLastContent = false
  /// Whether the response is incomplete, so that a reset follows the unsent content.
  var endsWithReset = false
  var responseTrailers: HeaderFields?
  /// Whether a client that waits for a 100 (Continue) has been sent one, or has not waited.
  var hasContinued = false
  /// Whether the head of the response has been sent.
  var hasResponse = false
  /// The number of times that the output had been handed to the network before that.
  var handoversBefore = 0
  /// Whether the client has cancelled the stream after it was sent part of the response, and the handler has not ended.
  var isAbandoned = false
  /// Whether the response has content, and how many bytes of the declared length have not been written.
  var sendsContent = false
  var promisedLength: Int?
  /// Whether another protocol has replaced the content (RFC 9113 section 8.5).
  var isTunnel = false

  /// Whether this is a tunnel in use. In a tunnel each direction ends separately, and received data can be read after
  /// both have ended.
  var isOpenTunnel: Bool { isTunnel && hasHandler }

  /// The ticks at which the current waits expire: for content, and for the peer to receive output. 0 if there is no
  /// such wait.
  var contentDeadline: UInt64 = 0
  var sendDeadline: UInt64 = 0
  /// The peer's progress relative to the minimum rate, in each direction.
  var receivePace = Pace()
  var sendPace = Pace()

  /// The number of bytes of content that have not been sent.
  @inline(__always)
  var unsentCount: Int { unsent.count - sentCount }

  /// Whether the stream can send content, as far as the connection's window allows.
  @inline(__always)
  var canSend: Bool { unsentCount > 0 && sendWindow.available > 0 }

  mutating func open(_ id: StreamID, sendWindow: Int, receiveWindow: Int) {
    self.id = id
    self.sendWindow = SendWindow(sendWindow)
    self.receiveWindow = ReceiveWindow(receiveWindow)
  }

  /// Prepares for another stream. Keeps the memory of the head.
  mutating func clear() {
    id = 0
    state = State()
    hasHandler = false
    head.clear()
    remainingLength = nil
    receivedLength = 0
    if !unread.isEmpty { unread = [] }
    (takenCount, collectedCount, headLength) = (0, 0, 0)
    if !trailers.isEmpty { trailers = HeaderFields() }
    readingError = nil
    trace = nil
    isRefused = false
    isDiscarding = false
    drainedLength = 0
    priority = Priority(isIncremental: true)
    unsent = []
    sentCount = 0
    (hasLastContent, endsWithReset) = (false, false)
    responseTrailers = nil
    (hasContinued, hasResponse, sendsContent) = (false, false, false)
    (promisedLength, isTunnel, isAbandoned) = (nil, false, false)
    (contentDeadline, sendDeadline) = (0, 0)
    (receivePace, sendPace) = (Pace(), Pace())
  }
}
