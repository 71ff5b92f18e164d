package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

class ArenaLayoutTest {
    @Test
    void blocksThatLiveTogetherDoNotOverlapAndLittleIsWasted() {
        for (int seed = 0; seed < 50; seed++) {
            List<Block> blocks = blocks(new Random(seed), 20 + 5 * seed);
            long needed = needed(blocks);
            checkLayout(blocks, ArenaLayout::largestFirst, needed * 5 / 4);
            checkLayout(blocks, ArenaLayout::inOrderOfTime, needed * 2);
        }
    }

    @Test
    void manyBlocksAreLaidOutInTheTimeThatSortingTakes() {
        List<Block> blocks = blocks(new Random(7), 200_000);
        checkEnd(ArenaLayout.assign(blocks), needed(blocks) * 2);
    }

    private static List<Block> blocks(Random random, int count) {
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Block block = new Block(random.nextInt(4) == 0 ? random.nextInt(100) : 64L << random.nextInt(6), i);
            block.end = i + random.nextInt(random.nextInt(5) == 0 ? 100 : 5);
            blocks.add(block);
        }
        return blocks;
    }

    /** What is alive at once, at most. */
    private static long needed(List<Block> blocks) {
        long[] change = new long[blocks.size() + 200];
        for (Block block : blocks) {
            change[block.start] += block.padded();
            change[block.end + 1] -= block.padded();
        }
        long alive = 0;
        long most = 0;
        for (long step : change) {
            alive += step;
            most = Math.max(most, alive);
        }
        return most;
    }

    private static void checkLayout(List<Block> blocks, ToLongFunction<List<Block>> layout, long bound) {
        long end = layout.applyAsLong(blocks);
        checkEnd(end, bound);
        for (Block a : blocks) {
            assertTrue(a.offset >= 0 && a.offset % Plan.ALIGNMENT == 0 && a.offset + a.padded() <= end);
            for (Block b : blocks) {
                boolean together = a.start <= b.end && b.start <= a.end;
                boolean overlap = a.offset < b.offset + b.padded() && b.offset < a.offset + a.padded();
                assertTrue(a == b || !together || !overlap || a.bytes == 0 || b.bytes == 0);
            }
        }
    }

    private static void checkEnd(long end, long bound) {
        assertTrue(end <= bound, "an arena of " + end + " bytes, where " + bound + " should do");
    }
}
