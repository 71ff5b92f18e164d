package org.adjoint.cuda;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.Graph;

/**
 * CUDA graphs of an executable's commands. A graph holds addresses and scalars, so it serves runs that bind the same
 * ones: the allocator hands a training loop the same few blocks again and again. What is bound a second time is
 * captured, from then on it is one launch. So is what changes variables, the first time already: if a call fails,
 * nothing has happened.
 */
final class Replay implements AutoCloseable {
    /** Results that a caller keeps for a few steps make a loop go through several sets of addresses. */
    static final int KEPT = 8;
    private static final int REMEMBERED = 64;

    /** @param bound slots, scalars and workspace */
    private record Key(int part, long[] bound) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && part == key.part && Arrays.equals(bound, key.bound);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(bound) + part;
        }
    }

    private final Gpu gpu;
    private final LinkedHashMap<Key, Graph> graphs = new LinkedHashMap<>(16, 0.75f, true);
    private final LinkedHashSet<Key> seen = new LinkedHashSet<>();

    Replay(Gpu gpu) {
        this.gpu = gpu;
    }

    /**
     * @param part tells the parts of a plan that are enqueued on their own apart
     * @param atomic whether all of the commands must be enqueued or none: then they are captured at once
     * @return whether there was a graph of them
     */
    boolean run(Binding binding, int part, boolean atomic, Runnable commands) {
        Key key = new Key(part, binding.all());
        Graph graph = graphs.get(key);
        if (graph == null) {
            if (!atomic && !seen.remove(key)) {
                seen.add(key);
                if (seen.size() > REMEMBERED) {
                    seen.removeFirst();
                }
                commands.run();
                return false;
            }
            graph = gpu.capture(commands);
            graphs.put(key, graph);
            if (graphs.size() > KEPT) {
                graphs.pollFirstEntry().getValue().close();
            }
            graph.launch();
            return false;
        }
        graph.launch();
        return true;
    }

    /** Closes the graphs there are. */
    void forget() {
        graphs.values().forEach(Graph::close);
        graphs.clear();
        seen.clear();
    }

    @Override
    public void close() {
        forget();
    }
}
