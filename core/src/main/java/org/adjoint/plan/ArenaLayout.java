package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.TreeSet;

/** Finds offsets for blocks, so that those alive at the same time do not overlap and the arena is small. */
final class ArenaLayout {
    /** Largest first looks at all pairs; with more blocks than this it takes too long. */
    private static final int MAX_PAIRWISE = 4096;

    private ArenaLayout() { }

    /** Sets the offsets and returns the size of the arena. */
    static long assign(List<Block> blocks) {
        return blocks.size() <= MAX_PAIRWISE ? largestFirst(blocks) : inOrderOfTime(blocks);
    }

    /** The largest first, each as low as blocks that live at the same time leave room. */
    static long largestFirst(List<Block> blocks) {
        List<Block> pending = new ArrayList<>(blocks);
        pending.sort(Comparator.comparingLong(Block::padded).reversed().thenComparingInt(block -> block.start));
        List<Block> placed = new ArrayList<>();
        long size = 0;
        for (Block block : pending) {
            long offset = 0;
            for (Block other : placed) {
                if (other.start > block.end || other.end < block.start) {
                    continue;
                }
                if (other.offset >= offset + block.padded()) {
                    break;
                }
                offset = Math.max(offset, other.offset + other.padded());
            }
            block.offset = offset;
            size = Math.max(size, offset + block.padded());
            int position = placed.size();
            while (position > 0 && placed.get(position - 1).offset > offset) {
                position--;
            }
            placed.add(position, block);
        }
        return size;
    }

    /** As an allocator would, block by block: each into the smallest gap that holds it. */
    static long inOrderOfTime(List<Block> blocks) {
        List<Block> pending = new ArrayList<>(blocks);
        pending.sort(Comparator.comparingInt((Block block) -> block.start)
            .thenComparing(Comparator.comparingLong(Block::padded).reversed()));
        PriorityQueue<Block> alive = new PriorityQueue<>(Comparator.comparingInt(block -> block.end));
        Gaps gaps = new Gaps();
        for (Block block : pending) {
            while (!alive.isEmpty() && alive.peek().end < block.start) {
                Block ended = alive.poll();
                gaps.add(ended.offset, ended.padded());
            }
            if (block.padded() > 0) {
                block.offset = gaps.take(block.padded());
                alive.add(block);
            }
        }
        return gaps.end;
    }

    /** What is free below the end of the arena. */
    private static final class Gaps {
        private record Gap(long bytes, long offset) { }

        private final TreeMap<Long, Long> byOffset = new TreeMap<>();
        private final TreeSet<Gap> bySize =
            new TreeSet<>(Comparator.comparingLong(Gap::bytes).thenComparingLong(Gap::offset));
        private long end;

        void add(long offset, long bytes) {
            Map.Entry<Long, Long> below = byOffset.lowerEntry(offset);
            if (below != null && below.getKey() + below.getValue() == offset) {
                remove(below.getKey());
                offset = below.getKey();
                bytes += below.getValue();
            }
            Long above = byOffset.get(offset + bytes);
            if (above != null) {
                remove(offset + bytes);
                bytes += above;
            }
            byOffset.put(offset, bytes);
            bySize.add(new Gap(bytes, offset));
        }

        private void remove(long offset) {
            bySize.remove(new Gap(byOffset.remove(offset), offset));
        }

        /** The offset of {@code bytes} that were free, at the arena's end if need be, which moves then. */
        long take(long bytes) {
            Gap gap = bySize.ceiling(new Gap(bytes, 0));
            if (gap == null) {
                Map.Entry<Long, Long> last = byOffset.lastEntry();
                boolean touchesEnd = last != null && last.getKey() + last.getValue() == end;
                long offset = touchesEnd ? last.getKey() : end;
                if (touchesEnd) {
                    remove(offset);
                }
                end = offset + bytes;
                return offset;
            }
            remove(gap.offset);
            if (gap.bytes > bytes) {
                byOffset.put(gap.offset + bytes, gap.bytes - bytes);
                bySize.add(new Gap(gap.bytes - bytes, gap.offset + bytes));
            }
            return gap.offset;
        }
    }
}
