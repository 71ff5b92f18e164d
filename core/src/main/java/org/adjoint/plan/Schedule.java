package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Puts tasks in order: as the program has them, but as soon as they can run those that leave next to nothing in the
 * arena. Updates of an optimizer are among them, whose gradients can be freed then, and the sums that stand for whole
 * tensors, and the few numbers that others wait for. Small updates free little and run last, so that a device for which
 * launches are dear can do them together.
 */
final class Schedule {
    /** What a task may add to the arena and still run early. */
    private static final long NEXT_TO_NOTHING = 16 * 1024;
    /**
     * What nobody waits for, and neither is nor holds in the arena more than this, runs last: updates of small
     * parameters, one after the other.
     */
    private static final long SMALL = 64 * 1024;

    private Schedule() { }

    static List<Task> order(List<Task> tasks) {
        Map<Task, Integer> waiting = new HashMap<>();
        PriorityQueue<Task> ready = new PriorityQueue<>(Comparator.comparingInt((Task task) -> task.urgency)
            .thenComparingInt(Task::birth));
        for (Task task : tasks) {
            task.urgency = isSmallEnd(task) ? 2 : isLight(task) ? 0 : 1;
            waiting.put(task, task.before.size());
            if (task.before.isEmpty()) {
                ready.add(task);
            }
        }
        List<Task> order = new ArrayList<>();
        while (!ready.isEmpty()) {
            Task task = ready.poll();
            task.position = order.size();
            order.add(task);
            for (Task next : task.after) {
                if (waiting.merge(next, -1, Integer::sum) == 0) {
                    ready.add(next);
                }
            }
        }
        if (order.size() != tasks.size()) {
            throw new IllegalStateException("the plan has a cycle: " + (tasks.size() - order.size()) + " of "
                + tasks.size() + " steps wait for each other");
        }
        return order;
    }

    private static boolean isSmallEnd(Task task) {
        return task.after.isEmpty() && task.outputs.stream().noneMatch(output -> output.home == Value.ARENA)
            && task.outputs.stream().mapToLong(output -> output.type.bytes()).sum() <= SMALL
            && task.loads.stream().map(Operand::value).distinct().filter(value -> value.home == Value.ARENA)
                .mapToLong(value -> value.type.bytes()).sum() <= SMALL;
    }

    private static boolean isLight(Task task) {
        return task.outputs.stream().filter(output -> output.home == Value.ARENA)
            .mapToLong(output -> output.type.bytes()).sum() <= NEXT_TO_NOTHING;
    }
}
