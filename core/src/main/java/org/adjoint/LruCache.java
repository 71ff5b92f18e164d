package org.adjoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A bounded map that drops what was used least recently. Not safe for threads. */
final class LruCache<K, V> {
    private final Map<K, V> map = new LinkedHashMap<>(16, 0.75f, true);
    private final int capacity;
    private final Consumer<V> dropped;

    LruCache(int capacity, Consumer<V> dropped) {
        this.capacity = capacity;
        this.dropped = dropped;
    }

    V computeIfAbsent(K key, Supplier<V> make) {
        V value = map.get(key);
        if (value == null) {
            value = make.get();
            map.put(key, value);
            if (map.size() > capacity) {
                dropped.accept(map.remove(map.keySet().iterator().next()));
            }
        }
        return value;
    }

    int size() {
        return map.size();
    }

    void clear() {
        map.values().forEach(dropped);
        map.clear();
    }
}
