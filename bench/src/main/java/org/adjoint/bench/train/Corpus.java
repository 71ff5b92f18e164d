package org.adjoint.bench.train;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * Text in bytes, one part to train on and one held back. The text is cut into chunks of 4 KiB, and every tenth is held
 * back, so that both parts hold some of everything. A window never crosses from one part into the other.
 */
final class Corpus {
    private static final int CHUNK = 4096;
    private static final int PARTS = 10;

    /** Bytes [start, end) of the text. */
    record Segment(int start, int end) {
        int length() {
            return end - start;
        }
    }

    /**
     * Windows of text for a model to learn from or to be judged by.
     *
     * @param inputs bytes 0 to 255, {@code count * length} of them, window after window
     * @param targets the byte that follows each of the inputs
     */
    record Windows(int count, int length, int[] inputs, int[] targets) {}

    private final byte[] text;
    private final int context;
    private final List<Segment> training = new ArrayList<>();
    private final List<Segment> heldOut = new ArrayList<>();
    /** Where a training window may start: {@code startsBefore[i]} places lie in the segments before segment i. */
    private final int[] startsBefore;
    private final List<Integer> validationStarts = new ArrayList<>();

    /**
     * @param context bytes in a window
     * @throws IllegalArgumentException if the text is too short for it
     */
    Corpus(byte[] text, int context) {
        this.text = text;
        this.context = context;
        int window = context + 1;
        int chunk = Math.max(window, Math.min(CHUNK, text.length / PARTS));
        int chunks = text.length / chunk;
        if (chunks < 2) {
            throw new IllegalArgumentException("the text is too short: " + text.length + " bytes, and a context of " + context
                    + " needs " + 2L * window + " (a window to train on, one to hold back): give more text, or set "
                    + "--context to at most " + Math.max(1, text.length / 2 - 1));
        }
        int start = 0;
        for (int i = 0; i < chunks; i++) {
            boolean held = i % PARTS == PARTS - 1 || chunks < PARTS && i == chunks - 1;
            if (held) {
                addTraining(start, i * chunk);
                heldOut.add(new Segment(i * chunk, (i + 1) * chunk));
                start = (i + 1) * chunk;
            }
        }
        addTraining(start, text.length);
        startsBefore = new int[training.size() + 1];
        for (int i = 0; i < training.size(); i++) {
            startsBefore[i + 1] = startsBefore[i] + training.get(i).length() - context;
        }
        for (Segment segment : heldOut) {
            for (int at = segment.start(); at + window <= segment.end(); at += context) {
                validationStarts.add(at);
            }
        }
    }

    /** A rest too short for a window is of no use. */
    private void addTraining(int start, int end) {
        if (end - start > context) {
            training.add(new Segment(start, end));
        }
    }

    byte[] text() {
        return text;
    }

    List<Segment> training() {
        return training;
    }

    List<Segment> heldOut() {
        return heldOut;
    }

    int trainingBytes() {
        return training.stream().mapToInt(Segment::length).sum();
    }

    int heldOutBytes() {
        return heldOut.stream().mapToInt(Segment::length).sum();
    }

    /** Windows for one step, anywhere in the training text; they depend on seed and step alone. */
    Windows trainingWindows(int count, long seed, long step) {
        // java.util.Random is specified to the bit; a generator per step makes resuming exact.
        Random random = new Random(mixed(mixed(seed) + step));
        int[] starts = new int[count];
        for (int i = 0; i < count; i++) {
            int place = random.nextInt(startsBefore[training.size()]);
            int found = Arrays.binarySearch(startsBefore, place);
            int segment = found >= 0 ? found : -found - 2;
            starts[i] = training.get(segment).start() + place - startsBefore[segment];
        }
        return windows(starts);
    }

    /** The finalizer of SplitMix64: generators with neighboring seeds begin alike, so seeds are spread first. */
    private static long mixed(long seed) {
        long z = seed + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** How many windows the held-out text holds, side by side. */
    int validationWindows() {
        return validationStarts.size();
    }

    /** {@code count} held-out windows from {@code first}, {@code stride} apart. */
    Windows validationWindows(int first, int stride, int count) {
        int[] starts = new int[count];
        for (int i = 0; i < count; i++) {
            starts[i] = validationStarts.get(first + i * stride);
        }
        return windows(starts);
    }

    private Windows windows(int... starts) {
        int[] inputs = new int[starts.length * context];
        int[] targets = new int[starts.length * context];
        for (int i = 0; i < inputs.length; i++) {
            int at = starts[i / context] + i % context;
            inputs[i] = text[at] & 0xff;
            targets[i] = text[at + 1] & 0xff;
        }
        return new Windows(starts.length, context, inputs, targets);
    }

    /** SHA-256 of the text: what a resumed run must find again. */
    String fingerprint() {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JVM has SHA-256", e);
        }
    }
}
