/// A way to break one promise, and how the conformance suite is to tell of it.
enum Flaw: String, CaseIterable, Codable, Sendable {
  // Executor
  case runsAnOperationTwice, forgetsATask, leavesChildrenElsewhere, ignoresACancelledHandle, miscountsTasks
  case startsTasksWithoutTheirNames, startsTasksWithoutTheirValues
  case forgetsWhatWorkersDid, leavesAStuckWorkerAlone, looksRarely
  case yieldsToNone, yieldsToNoneWhenCancelled, yieldsForEver, yieldsForEverElsewhere
  // Timers
  case wakesEarly, wakesEarlyByTolerance, keepsOneTimer, waitsForThePast, takesLongForNothing, sleepsOnAWorker
  case wakesAllWhenOneIsCancelled, spinsForNoTime, keepsATimerATask, hasClocksOutOfStep
  // Streams
  case endsEarly, overwritesTheBuffer, waitsWithoutRoom, closesBothHalves, finishesNothing, dropsBytes, swapsPieces
  case takesAllThatIsWritten, takesAByteToSeeWhetherThereIsOne, takesNothingForTheEnd, writesMoreThanItSays
  case queuesReaders, writesIntoNothing, givesNoTurn, losesCountOfACancelledWrite
  case readsOnlyWhenWaitedOn, writesOnlyWhenWaitedOn
  // Listeners and addresses
  case doesNotSayItsPort, sharesPorts, losesTheFirstConnection, listensOnWhenClosed, leavesItsName, mistakesThePeer
  case sharesNoPorts, closesListenersLater, mistakesThePeersProcess
  case listensBesideWhatItInherits, removesNamesItInherits, takesWhateverItInherits
  // Names
  case knowsNoNames, cutsHostNames, triesNoAddress
  // Names of sockets
  case replacesFiles, replacesListeners, removesItsSuccessor, leavesNamesAtItsEnd, cutsPaths, losesAbstractNames
  // Datagrams
  case mistakesTheSender, overlooksEmptyDatagrams, hidesThatItCuts, hearsStrangers, sendsTheFirstPart
  case overlooksRefusals, losesDatagramsOfCancelledReceives, sendsThoughItIsCancelled, queuesReceivers
  case saysCancelledOfAClosedSocket, failsToReceiveWhenCancelled, neverGivesADatagramsTurn, sharesDatagramPorts
  case leavesADatagramSocketsName, replacesOpenSockets, receivesAfterItsEnd, dropsWhatThereIsNoRoomFor
  // Cancellation
  case ignoresACancelledRead, losesBytesOfACancelledRead, ignoresACancelledAccept, ignoresACancelledSleep
  case failsBecauseItIsCancelled
  // Closing
  case saysCancelledWhenClosed, endsWhenClosed, closesTwice, closesNothingOfItself, closesNothingOrderly
  // Blocking work
  case blocksAWorker, blocksOneAtATime, ignoresACancelledWait, beginsInVain, worksTwice
  case refusesNoWork, doesWhatItRefuses, forgetsItsRefusals, refusesForEver
  // Shutdown
  case leavesSleeps, sleepsOutItsGrace, hasNoGrace, waitsForItself, returnsBeforeTheEnd, waitsForAllTasks
  case waitsForItselfElsewhere, waitsForItselfOnTheMainActor, waitsForOthersThatShutItDown, takesGuestsForItsOwn
  case takesOrphansForItsOwn, endsOnBorrowedThreads, waitsForLessThanNoTime
  case dropsWhatIsReadyAfterItsEnd
  // Threads, leaks and faults
  case saysFewerWorkers, sleepsOnAThread, keepsOperations, leaksDescriptors, leaksDescriptorsOfDatagrams
  case takesAResetForTheEnd
  case endsWhereItIsToReset

  /// The promise that it breaks, and what is said of it.
  var verdict: (promise: String, finding: String) {
    switch self {
    case .runsAnOperationTwice:
      ("Each task is run once, by whomever it is started", "ran, of those that did not run once: expected [], saw [2")
    case .forgetsATask:
      (
        "Work that comes just as the workers fall asleep is run",
        "a task that is started when there is no other: expected it to end, saw nothing in"
      )
    case .leavesChildrenElsewhere:
      (
        "A task and its children are on the runtime's executor after every await",
        "whether a task's executor is the runtime's: expected true, saw false"
      )
    case .ignoresACancelledHandle:
      (
        "Cancelling a task's handle cancels the task",
        "whether the task hears of it: expected true"
      )
    case .miscountsTasks:
      ("A runtime counts the tasks that have not ended", "the tasks of a new runtime: expected 0, saw 1")
    case .startsTasksWithoutTheirNames:
      (
        "A task has the name and the priority that it was started with",
        "the task's own name: expected Optional(\"mine\"), saw nil"
      )
    case .startsTasksWithoutTheirValues:
      (
        "A task has the task-local values of the one that starts it, if it is to have them",
        "the value in a task that inherits: expected 1, saw 0"
      )
    case .forgetsWhatWorkersDid:
      ("What workers have done only grows", "jobs, steals, parks and wakes by worker: expected no less than")

    case .yieldsToNone:
      (
        "Yielding on the runtime, over and over, lets other tasks have their turn",
        "whether another task ran beside loops of yields: expected true, saw false"
      )
    case .yieldsToNoneWhenCancelled:
      (
        "A task that is cancelled yields like any other",
        "whether another task ran beside loops of yields of cancelled tasks: expected true, saw false"
      )
    case .yieldsForEver:
      (
        "A task that yields goes on, whether or not another is ready",
        "a task that yields when no other is ready: expected it to end, saw nothing in"
      )
    case .yieldsForEverElsewhere:
      (
        "Yielding comes to its end wherever it is called",
        "a yield of a task that is none of the runtime's: expected it to end, saw nothing in"
      )

    case .leavesAStuckWorkerAlone:
      (
        "A worker that is stuck in a job delays nothing that another could do",
        "an echo while a worker is stuck: expected “x”, saw nothing in"
      )
    case .looksRarely:
      (
        "A sleep that is over waits for a few jobs at most, however long these are",
        "how many jobs of two milliseconds ran before a sleep that was over ended: expected at most"
      )

    case .wakesEarly: ("A sleep on the runtime's clock is never early", "expected no shorter, saw")
    case .wakesEarlyByTolerance: ("A tolerance makes no sleep early", "expected no shorter, saw")
    case .keepsOneTimer:
      (
        "A short sleep ends though a long one began before it",
        "a sleep of 2 ms from outside: expected it to end, saw nothing in"
      )
    case .waitsForThePast:
      (
        "Sleeping for no time, or until a time that has passed, does not wait",
        "a sleep of -5 s: expected it to end, saw nothing in"
      )
    case .takesLongForNothing:
      (
        "A sleep longer than can be counted waits like any other",
        "the sleep of 70 thousand million years: expected CancellationError, saw no error"
      )
    case .sleepsOnAWorker:
      // Either whoever is beside them waits too long, or they end before they are cancelled.
      ("Whoever sleeps leaves its worker to others", "sleep: expected")
    case .wakesAllWhenOneIsCancelled:
      (
        "Sleeps that are cancelled leave those beside them as they were",
        "that nobody cancelled: expected"
      )

    case .spinsForNoTime:
      (
        "Sleeping for no time, over and over, lets other tasks have their turn",
        "whether another task ran beside loops of sleeps of 0.0 seconds: expected true, saw false"
      )

    case .keepsATimerATask:
      (
        "A timeout on the runtime's clock cancels what takes longer, and nothing else",
        "expected it to end, saw nothing in"
      )
    case .hasClocksOutOfStep:
      (
        "Ticks on the runtime's clock are a period apart, and never early by that clock",
        "the clock at a tick: expected no earlier than it, saw -"
      )

    case .endsEarly:
      ("A read gives 0 bytes only at the end: it waits while there is nothing", "what the reader gets: expected “")
    case .overwritesTheBuffer:
      (
        "A read appends to what the buffer holds, and says how much",
        "how many bytes the buffer holds: expected 6, saw 3"
      )
    case .waitsWithoutRoom:
      (
        "A read without room gives 0 at once and takes nothing",
        "such a read with nothing to be had: expected “”, saw nothing in"
      )
    case .closesBothHalves:
      (
        "Finishing one direction leaves the other as it was",
        "what it writes afterwards: expected “still there”, saw the error “read: closed”"
      )
    case .finishesNothing: ("After the end every read gives 0", "a read after the end: expected “”, saw nothing in")
    case .dropsBytes:
      ("Many small writes arrive whole and in order", "all that was written: expected 8890 bytes, saw 88")
    case .swapsPieces:
      (
        "Two pieces are written one after the other, whatever their sizes",
        "all that was written: expected 1500005 bytes, saw 1500005 bytes, of which number 300001 is the first to differ"
      )
    case .takesAllThatIsWritten:
      (
        "A write waits while the peer does not take what was written",
        "megabytes written to a peer that reads nothing: expected less than 64, saw 64"
      )
    case .takesAByteToSeeWhetherThereIsOne:
      ("readable waits for something to read and takes nothing", "the first byte: expected “a”, saw “b”")
    case .takesNothingForTheEnd:
      (
        "tryRead gives what is there, and nil and not 0 where there is nothing",
        "tryRead where nothing has been sent: expected nil, saw “”"
      )
    case .givesNoTurn:
      ("A loop of readable and tryRead reads on to the end", "what the loop reads: expected 3000 bytes")
    case .readsOnlyWhenWaitedOn:
      ("A loop of tryRead and sleeps reads on to the end", "what the loop reads: expected 3000 bytes")
    case .writesOnlyWhenWaitedOn:
      ("A loop of tryWrite and sleeps writes on to the end", "how many bytes the loop writes: expected 3000")
    case .writesMoreThanItSays:
      (
        "tryWrite writes as much as it says, from the first byte on, and stops when it would wait",
        "what the peer reads: expected"
      )
    case .queuesReaders:
      (
        "Of two that read at once, one is told that the stream is busy and the other goes on",
        "one of two readers: expected it to end, saw nothing in"
      )
    case .writesIntoNothing:
      (
        "Writing to a peer that has closed ends with an error, not with a signal",
        "writing again and again: expected “write: Broken pipe (errno 32)” or “write: Connection reset by peer (errno 104)”"
      )

    case .doesNotSayItsPort:
      ("With port 0 the system chooses a port, and the listener says which", "the port of 127.0.0.1:0: expected one")
    case .sharesPorts:
      (
        "Listening where somebody listens already is refused",
        "listening on the same port: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .sharesNoPorts:
      (
        "Listeners that agree to it share a port, and one that stays has it alone",
        "listening on its port too: expected it to end, saw the error “bind: Address already in use (errno 98)”"
      )
    case .losesTheFirstConnection:
      (
        "Connections are accepted whether they come before or after somebody waits",
        "accepting what has connected: expected it to end, saw nothing in"
      )
    case .listensOnWhenClosed:
      (
        "Connecting to where nobody listens is refused",
        "expected “connect: Connection refused (errno 111)”, saw no error, and a stream to 127.0.0.1:"
      )
    case .leavesItsName:
      (
        "A Unix-domain socket's name is there while it is listened on, and then not",
        "the name once the listener is closed: expected gone, saw it"
      )
    case .closesListenersLater:
      (
        "An address is free again when the listener has been waited for to close",
        "listening on an address that is free again: expected it to end, saw the error “bind: Address already in use (errno 98)”"
      )
    case .listensBesideWhatItInherits:
      (
        "An inherited socket is listened on where it is, with the connections that wait in it",
        "the listener's address: expected"
      )
    case .removesNamesItInherits:
      (
        "An inherited socket's name stays when its listener is closed",
        "the name of the socket afterwards: expected"
      )
    case .takesWhateverItInherits:
      (
        "An inherited descriptor that does not listen is refused",
        "listening on a socket that does not listen: expected “listen: Invalid argument (errno 22)”, saw no error"
      )
    case .mistakesThePeersProcess:
      (
        "What a Unix-domain stream knows of the process at its other end is true",
        "the process at the other end: expected PeerCredentials(processID:"
      )
    case .losesCountOfACancelledWrite:
      (
        "A writeSome that is cancelled has written nothing",
        "how much the peer reads of what was counted: expected"
      )
    case .endsWhereItIsToReset:
      (
        "A stream that is to reset when it closes is found reset",
        "a read of the peer: expected “read: Connection reset by peer (errno 104)”, saw"
      )
    case .knowsNoNames:
      (
        "A host is connected to by name, at the address where it listens",
        "connecting to localhost: expected it to end, saw the error “resolve: \"localhost\": "
      )
    case .cutsHostNames:
      (
        "A name without an address is refused with an error that says so",
        "the error of connecting to \"localhost\\0.example\": expected Optional(resolve), saw Optional(connect)"
      )
    case .triesNoAddress:
      (
        "Where nothing listens at any address of a host, the error says what was tried",
        "the addresses that were tried: expected 127.0.0.1:"
      )
    case .closesNothingOfItself:
      ("A stream that one has waited for to close is closed", "a read: expected “read: closed”, saw nothing in")
    case .replacesFiles:
      (
        "Listening on the name of a file that is no socket is refused and leaves the file as it was",
        "listening on the name of a regular file: expected “bind: File exists (errno 17)” or “bind: Address already in"
      )
    case .replacesListeners:
      (
        "Of several that listen on an abandoned name at once, one succeeds",
        "how many of 4 listen on one name: expected 1, saw"
      )
    case .removesItsSuccessor:
      (
        "A listener that is closed leaves its name to the file that has it by now",
        "the file that has the name when the first listener is closed: expected"
      )
    case .leavesNamesAtItsEnd:
      ("A runtime that is shut down leaves no name", "the name once the runtime is shut down: expected nil, saw")
    case .cutsPaths:
      (
        "A path that no socket can have is refused and not cut",
        "bytes: expected refused as such, saw no error"
      )
    case .losesAbstractNames:
      (
        "Abstract names are of the length that is given, and read back as given",
        "the listener's address: expected unix:@gearbox-"
      )
    case .mistakesThePeer:
      ("Over IPv4 both ends know both addresses", "the peer's address, where it was connected: expected")

    case .mistakesTheSender:
      (
        "A datagram comes with its sender's address, and can be answered",
        "what is received over UDP: expected Datagram("
      )
    case .overlooksEmptyDatagrams:
      (
        "Datagrams keep their bounds, and one of no bytes is a datagram",
        "what comes of 0 bytes over UDP: expected “”, saw “\0”"
      )
    case .hidesThatItCuts:
      (
        "A datagram that is longer than the room for it is cut and says so, and the next is whole",
        "what is said of it: expected DatagramReceipt(byteCount: 10"
      )
    case .hearsStrangers:
      ("A connected socket sends to its peer and hears no other", "what it receives over UDP: expected Datagram(")
    case .sendsTheFirstPart:
      (
        "A datagram that is too long is refused whole, and the socket goes on",
        "sending 4 MB over UDP: expected “send: Message too long (errno 90)”, saw no error"
      )
    case .overlooksRefusals:
      (
        "A peer that is not there is an error, once, and the socket goes on",
        "a receive: expected “receive: Connection refused (errno 111)”, saw nothing in"
      )
    case .losesDatagramsOfCancelledReceives:
      (
        "Cancelling ends a receive, and a cancelled one has taken nothing",
        "receiving the rest over UDP: expected it to end, saw nothing in"
      )
    case .sendsThoughItIsCancelled:
      (
        "Cancelling ends a send that has to wait, and a cancelled one has sent nothing",
        "what comes of what was sent: expected “"
      )
    case .dropsWhatThereIsNoRoomFor:
      (
        "A send that waits for room goes on when there is some, also when another socket had taken it",
        "receiving what was sent once there was room: expected it to end, saw nothing in"
      )
    case .queuesReceivers:
      (
        "Of two that receive, or send, at once, one is told that the socket is busy and the other goes on",
        "one of two receivers: expected it to end, saw nothing in"
      )
    case .saysCancelledOfAClosedSocket:
      (
        "Closing wakes the tasks that receive or send datagrams, and what comes after it fails at once",
        "a receive: expected “receive: closed”, saw the error “receive: cancelled”"
      )
    case .failsToReceiveWhenCancelled:
      (
        "What can finish at once does so in a cancelled task, with datagrams too",
        "a receive of what is there: expected “x”, saw the error “receive: cancelled”"
      )
    case .neverGivesADatagramsTurn:
      (
        "Tasks that need never wait for a datagram let others have their turn",
        "whether another task ran beside loops of datagrams: expected true, saw false"
      )
    case .sharesDatagramPorts:
      (
        "The address of a socket for datagrams is its own until it is closed",
        "binding another to it: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .leavesADatagramSocketsName:
      (
        "The name of a Unix-domain socket for datagrams is there while it is open, and then not",
        "the name once it is closed: expected nil, saw"
      )
    case .replacesOpenSockets:
      (
        "A socket that is left behind is replaced by one for datagrams, and one that is open is not",
        "binding while it is open: expected “bind: Address already in use (errno 98)”, saw no error"
      )
    case .receivesAfterItsEnd:
      (
        "Shutting down ends what waits for datagrams, and closes their sockets",
        "the shutdown: expected it to end, saw nothing in"
      )

    case .ignoresACancelledRead:
      ("Cancelling ends a read", "a read whose task is cancelled: expected “read: cancelled”, saw nothing in")
    case .losesBytesOfACancelledRead:
      ("A read that is cancelled has taken nothing", "all that was read: expected 500 bytes")
    case .ignoresACancelledAccept:
      (
        "Cancelling ends an accept, and the next one is none the worse",
        "an accept whose task is cancelled: expected “accept: cancelled”, saw nothing in"
      )
    case .ignoresACancelledSleep:
      ("Cancelling ends a sleep", "a sleep whose task is cancelled: expected CancellationError, saw nothing in")
    case .failsBecauseItIsCancelled:
      (
        "What can finish at once does so in a cancelled task too",
        "a read of what is there: expected “x”, saw the error “read: cancelled”"
      )

    case .saysCancelledWhenClosed:
      (
        "Closing a listener wakes whoever accepts",
        "an accept: expected “accept: closed”, saw the error “accept: cancelled”"
      )
    case .endsWhenClosed:
      (
        "Closing a stream wakes whoever reads it",
        "a read under which the stream is closed: expected “read: closed”, saw no error"
      )
    case .closesNothingOrderly:
      (
        "A stream that is closed orderly is closed at once, and ends at the other end",
        "a read under which it is closed: expected “read: closed”, saw nothing in"
      )
    case .closesTwice:
      ("Closing one stream never harms another", "whether streams carry their own bytes while others are closed")

    case .blocksAWorker:
      (
        "Blocking work holds up no task",
        "whether a task, and a sleep, came to their end beside work that blocked: expected true"
      )
    case .blocksOneAtATime:
      (
        "Blocking work holds up no other: fifty wait for each other",
        "whether all fifty were at it at once: expected true"
      )
    case .ignoresACancelledWait:
      (
        "Cancelling ends the wait for blocking work that goes on",
        "the wait, while the work still blocks: expected CancellationError"
      )
    case .beginsInVain:
      (
        "Work for which nobody waits any more before it is asked for never begins",
        "how much of it was begun: expected 0, saw 50"
      )
    case .worksTwice:
      ("Much blocking work is all done, once each", "how often the work was done: expected 500, saw 1000")

    case .refusesNoWork:
      ("Blocking work beyond a limit is refused at once", "calls were refused: expected one at least, saw 0")
    case .doesWhatItRefuses:
      ("Work that is refused never begins, and all other work is done", "how much of it began: expected")
    case .forgetsItsRefusals: ("A runtime counts the work that it refuses", "the refused calls: expected")
    case .refusesForEver:
      (
        "A runtime that has refused work takes more once calls are cancelled or done",
        "a call after those that waited were cancelled: expected 7, saw the error “blocking work refused"
      )

    case .leavesSleeps: ("Shutting down ends accepts and sleeps", "the shutdown: expected it to end, saw nothing in")
    case .sleepsOutItsGrace:
      (
        "A runtime that has nothing to do does not wait for its grace to pass",
        "the shutdown: expected it to end, saw nothing in"
      )
    case .hasNoGrace:
      ("Tasks have their grace to come to their end", "how many of 10 tasks had ended by then: expected 10, saw")
    case .waitsForItself:
      ("A runtime's own task can shut it down", "the task that shuts down: expected it to end, saw nothing in")
    case .returnsBeforeTheEnd:
      (
        "Several shutdowns at once all return when it is done",
        "had ended when each returned: expected [true, true, true, true], saw ["
      )
    case .waitsForItselfElsewhere:
      (
        "A runtime's task that shuts it down by way of others does not wait for itself",
        "the task that shuts down by a Task { } that it awaits: expected it to end, saw nothing in"
      )
    case .waitsForItselfOnTheMainActor:
      (
        "A runtime's task that shuts it down on the main actor does not wait for itself",
        "the task that shuts down on the main actor: expected it to end, saw nothing in"
      )
    case .waitsForOthersThatShutItDown:
      (
        "Tasks of a runtime that shut it down at once do not wait for each other",
        "one of 3 tasks that shut down: expected it to end, saw nothing in"
      )
    case .takesGuestsForItsOwn:
      (
        "A foreign task that prefers the runtime's executor waits for the runtime's tasks",
        "whether the runtime's task had ended when the shutdown returned: expected true, saw false"
      )
    case .takesOrphansForItsOwn:
      (
        "A Task { } that has outlived the runtime's task that started it waits for the others",
        "whether the runtime's task had ended when the shutdown returned: expected true, saw false"
      )
    case .endsOnBorrowedThreads:
      (
        "However many shutdowns wait, another one ends",
        "expected it to end, saw nothing in"
      )
    case .waitsForLessThanNoTime:
      ("A grace of less than no time is over at once", "the shutdown: expected it to end, saw nothing in")
    case .dropsWhatIsReadyAfterItsEnd:
      (
        "What a task wakes after the end runs, though the task goes on",
        "a task that is woken: expected it to end, saw nothing in"
      )
    case .waitsForAllTasks:
      (
        "The grace is a bound, also for a task that blocks its worker",
        "the shutdown: expected it to end, saw nothing in"
      )
    case .saysFewerWorkers:
      (
        "No more tasks run at once than there are workers: after a start",
        "how many ran at once: expected at most 1, saw 2"
      )
    case .sleepsOnAThread: ("A sleep costs no thread", "the threads for a thousand sleeps: expected a few, saw")
    case .keepsOperations:
      (
        "What a task holds is let go when it has ended, however it has",
        "waiting for what 250 tasks held to be let go: expected it to end, saw nothing in"
      )
    case .leaksDescriptors:
      (
        "Connections that are closed leave no descriptor",
        "how many more descriptors there are after 20 connections: expected no more than a few, saw"
      )
    case .leaksDescriptorsOfDatagrams:
      (
        "Sockets for datagrams that are closed, let go or refused leave no descriptor",
        "how many more descriptors there are after 20 sockets for datagrams: expected no more than a few, saw"
      )
    case .takesAResetForTheEnd:
      (
        "A peer's reset is an error to whoever reads, and not the end",
        "the read: expected “read: Connection reset by peer (errno 104)”, saw no error"
      )
    }
  }

  /// Whether it does such harm that the process should have no other tests in it.
  var harmsItsProcess: Bool {
    switch self {
    case .closesTwice, .leaksDescriptors, .leaksDescriptorsOfDatagrams, .sleepsOnAThread, .endsOnBorrowedThreads: true
    case .refusesNoWork, .doesWhatItRefuses, .forgetsItsRefusals, .refusesForEver: true
    default: false
    }
  }

  /// Whether the case waits for what will not come, until the watchdog or its own patience ends that.
  var keepsWaiting: Bool {
    switch self {
    case .sleepsOnAWorker, .blocksAWorker, .blocksOneAtATime, .ignoresACancelledWait, .ignoresACancelledHandle: true
    default: !harmsItsProcess && verdict.finding.hasSuffix("saw nothing in")
    }
  }
}
