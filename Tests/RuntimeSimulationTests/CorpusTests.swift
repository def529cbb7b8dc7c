import RuntimeSimulation
import Testing

/// Which runs are kept, and which are made from them, with made-up coverage.
struct CorpusTests {
  private static func rise(_ counter: Int) -> [CounterRise] { [CounterRise(counter, by: 1)] }

  @Test(
    arguments: [
      (1, 1), (2, 2), (3, 4), (4, 8), (7, 8), (8, 16), (15, 16), (16, 32), (31, 32), (32, 64), (127, 64), (128, 128),
      (UInt64.max, 128),
    ] as [(UInt64, UInt8)])
  func `Counts are told apart as long as they are small`(count: UInt64, bucket: UInt8) {
    #expect(CounterRise(0, by: count).bucket == bucket)
  }

  @Test func `As long as no run is kept, each begins anew, with one seed after another`() {
    var corpus = Corpus(seed: 7, counters: 1)
    for seed: UInt64 in 7..<27 {
      let run = corpus.next()
      #expect(run == Corpus.Candidate(seed: seed))
      // Nothing is reached, or there is no choice at which another run could differ.
      corpus.record(run, choices: seed % 2 == 0 ? 9 : 0, seed % 2 == 0 ? [] : Self.rise(0))
    }
    #expect(corpus.report.runs == 20)
    #expect(corpus.report.keptRuns == 0)
    #expect(corpus.report.counters == 1)
  }

  @Test func `A run is kept if a counter rises that did not, or by an amount that is new`() {
    var corpus = Corpus(seed: 1, counters: 2)
    var kept: [Int] = []
    for rises in [
      [CounterRise(0, by: 4)], [CounterRise(0, by: 7)], [CounterRise(0, by: 1)], [CounterRise(0, by: 4)],
      [CounterRise(0, by: 4), CounterRise(1, by: 4)], [],
    ] {
      corpus.record(Corpus.Candidate(seed: 1), choices: 1, rises)
      kept.append(corpus.report.keptRuns)
    }
    #expect(kept == [1, 1, 2, 2, 3, 3])
    #expect(corpus.report.counters == 2)
  }

  @Test func `A child repeats its parent up to any of its choices, and draws from a new seed there`() {
    var corpus = Corpus(seed: 1, counters: 1)
    var parent = Corpus.Candidate(seed: 500)
    parent.branches = [2: 600, 4: 700]
    corpus.record(parent, choices: 6, Self.rise(0))
    var choices: Set<Int> = []
    for seed: UInt64 in 1...200 {
      let child = corpus.next()
      if child == Corpus.Candidate(seed: seed) { continue }
      #expect(child.seed == 500)
      let choice = child.branches.first { $0.value == seed }?.key ?? -1
      #expect(child.branches == [2: 600, 4: 700].filter { $0.key < choice }.merging([choice: seed]) { $1 })
      choices.insert(choice)
    }
    #expect(choices == [0, 1, 2, 3, 4, 5])
  }

  @Test func `About a quarter of the runs begin anew`() {
    var corpus = Corpus(seed: 1, counters: 1)
    corpus.record(Corpus.Candidate(seed: 0), choices: 6, Self.rise(0))
    let fresh = (0..<1000).count { _ in corpus.next().seed != 0 }
    #expect((200..<300).contains(fresh))
  }

  @Test func `A run that has just been kept gets as many children as the others have, before they get more`() {
    var corpus = Corpus(seed: 1000, counters: 2)
    func parents(_ count: Int) -> [UInt64] { (0..<count).map { _ in corpus.next().seed }.filter { $0 < 1000 } }
    corpus.record(Corpus.Candidate(seed: 1), choices: 6, Self.rise(0))
    let first = parents(100)
    #expect(Set(first) == [1])
    corpus.record(Corpus.Candidate(seed: 2), choices: 6, Self.rise(1))
    let later = parents(400)
    #expect(later.prefix(first.count) == Array(repeating: 2, count: first.count)[...])
    let rest = later.dropFirst(first.count)
    #expect(abs(rest.count { $0 == 1 } - rest.count { $0 == 2 }) <= 1)
  }
}
