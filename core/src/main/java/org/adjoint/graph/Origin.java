package org.adjoint.graph;

import java.security.CodeSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Where a node was recorded. Known for nodes that a thread records between {@link #start} and {@link #stop}; otherwise
 * a node costs no more for it than the look at a counter.
 *
 * @param frames of the user's code, innermost first: neither this library's nor the JDK's; empty if there are none
 * @param gradientOf the operation whose gradient the node belongs to, and whose lines these are; null for others
 */
public record Origin(List<StackTraceElement> frames, String gradientOf) {
    private static final int MAX_FRAMES = 16;
    /** How many threads record. */
    private static final AtomicInteger RECORDERS = new AtomicInteger();
    private static final ThreadLocal<Recorder> RECORDER = new ThreadLocal<>();
    private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final CodeSource LIBRARY = Origin.class.getProtectionDomain().getCodeSource();

    /** Whether a class is no part of the user's code. */
    private static final ClassValue<Boolean> IS_LIBRARY = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            CodeSource source = type.getProtectionDomain().getCodeSource();
            return source == null || source.equals(LIBRARY) || source.getLocation() == null
                || source.getLocation().getProtocol().equals("jrt");
        }
    };

    /** What one thread records. */
    private static final class Recorder {
        private int nesting;
        /** In place of where the thread is. */
        private Origin instead;
    }

    public Origin {
        frames = List.copyOf(frames);
    }

    /** Makes this thread record where its nodes come from; calls nest. */
    public static void start() {
        Recorder recorder = RECORDER.get();
        if (recorder == null) {
            recorder = new Recorder();
            RECORDER.set(recorder);
            RECORDERS.incrementAndGet();
        }
        recorder.nesting++;
    }

    /** Ends what {@link #start} began. */
    public static void stop() {
        Recorder recorder = RECORDER.get();
        if (--recorder.nesting == 0) {
            RECORDER.remove();
            RECORDERS.decrementAndGet();
        }
    }

    /** Whether this thread records. */
    public static boolean isRecorded() {
        return RECORDERS.get() != 0 && RECORDER.get() != null;
    }

    /** Where this thread is, or null if it does not record. */
    static Origin current() {
        return RECORDERS.get() == 0 ? null : recorded();
    }

    private static Origin recorded() {
        Recorder recorder = RECORDER.get();
        if (recorder == null) {
            return null;
        }
        return recorder.instead != null ? recorder.instead : new Origin(WALKER.walk(frames ->
            frames.filter(frame -> !IS_LIBRARY.get(frame.getDeclaringClass())).limit(MAX_FRAMES)
                .map(Origin::element).toList()), null);
    }

    /** Records nodes as the gradient of one that was recorded. */
    public static <T> T gradientOf(Node node, Supplier<T> rule) {
        Origin origin = node.origin();
        if (origin == null) {
            return rule.get();
        }
        String name = origin.gradientOf == null ? node.op().name() : origin.gradientOf;
        return instead(new Origin(origin.frames, name), rule);
    }

    /** Records nodes as if they were born where {@code node} was: copies of it in another form. */
    public static <T> T like(Node node, Supplier<T> copy) {
        return node.origin() == null ? copy.get() : instead(node.origin(), copy);
    }

    /** As {@link #like(Node, Supplier)} for code without a result. */
    public static void like(Node node, Runnable copy) {
        like(node, () -> {
            copy.run();
            return null;
        });
    }

    private static <T> T instead(Origin origin, Supplier<T> code) {
        Recorder recorder = RECORDER.get();
        if (recorder == null) {
            return code.get();
        }
        Origin outer = recorder.instead;
        recorder.instead = origin;
        try {
            return code.get();
        } finally {
            recorder.instead = outer;
        }
    }

    /** Without the module, whose name and version say nothing that the class does not. */
    private static StackTraceElement element(StackWalker.StackFrame frame) {
        return new StackTraceElement(frame.getClassName(), frame.getMethodName(), frame.getFileName(),
            frame.getLineNumber());
    }
}
