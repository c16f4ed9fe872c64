import Ingestion
import Testing

/// The bounded memory of bindings.
@Suite struct RecentlyUsedTests {
    @Test func `it never holds more than two generations`() {
        var cache = RecentlyUsed<Int, Int>(generationMax: 10)
        for key in 0..<1_000 {
            cache.insert(key, for: key)
            #expect(cache.count <= 20)
            #expect(cache.find(key) == key)
        }
        #expect(cache.find(0) == nil)
        #expect(cache.find(990) == 990)
    }

    @Test func `what is used stays`() {
        var cache = RecentlyUsed<Int, String>(generationMax: 10)
        cache.insert("kept", for: -1)
        for key in 0..<1_000 {
            cache.insert("passing", for: key)
            #expect(cache.find(-1) == "kept")
        }
    }

    @Test func `what is removed is gone from both generations`() {
        var cache = RecentlyUsed<Int, String>(generationMax: 1)
        cache.insert("old", for: 1)
        cache.insert("new", for: 2)
        cache.remove(1)
        cache.remove(2)
        #expect(cache.count == 0)
        cache.insert("again", for: 3)
        cache.removeAll()
        #expect(cache.find(3) == nil)
    }

    @Test func `the newest word about a key is the only one`() {
        var cache = RecentlyUsed<Int, String>(generationMax: 1)
        cache.insert("first", for: 1)
        cache.insert("other", for: 2)
        cache.insert("second", for: 1)
        cache.remove(1)
        #expect(cache.find(1) == nil)
    }
}
