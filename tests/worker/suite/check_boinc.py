"""What passes between a client and the worker: init_data.xml, channels, soft links, lock, finish file."""

import os
import subprocess
import sys

import running
from pymw_worker import clock, text
from pymw_worker.boinc import channels, client, init_data, shared_memory, slot

SECRET = "0123456789abcdef"
INIT_DATA = (
    "<app_init_data>\n"
    "<wu_name>a & b < c</wu_name>\n"
    "<authenticator>%s</authenticator>\n"
    "<project_preferences>\n<client_pid>1</client_pid>\n</project_preferences>\n"
    "<wu_cpu_time>12.500000</wu_cpu_time>\n"
    "<client_pid>4711</client_pid>\n"
    "<shm_key>nonsense</shm_key>\n"
    "<ncpus>inf</ncpus>\n"
    "<no_such_tag_yet>1</no_such_tag_yet>\n"
    "<host_info>\n<p_fpops>1</p_fpops>\n</host_info>\n"
    "</app_init_data>\n" % SECRET
)


class FolderCase(running.FolderCase):
    def write(self, name, data):
        stream = open(self.path(name), "wb")
        stream.write(text.to_bytes(data))
        stream.close()

    def read(self, name):
        stream = open(self.path(name), "rb")
        try:
            return text.to_text(stream.read())
        finally:
            stream.close()


class InitData(FolderCase):
    def test_fields_are_read_without_being_strict_about_xml(self):
        self.write(init_data.NAME, INIT_DATA)
        data = init_data.read(self.folder)
        self.assertEqual(data.text("wu_name"), "a & b < c")
        self.assertEqual(data.number("wu_cpu_time"), 12.5)
        self.assertEqual(data.integer("client_pid"), 4711)

    def test_what_is_absent_or_no_finite_number_is_the_default(self):
        self.write(init_data.NAME, INIT_DATA)
        data = init_data.read(self.folder)
        numbers = [data.integer("shm_key", -1), data.number("ncpus", 2.0), data.number("absent", 3.0)]
        self.assertEqual(numbers, [-1, 2.0, 3.0])
        self.assertEqual(data.text("p_fpops"), "", "what is nested is not about the job")

    def test_the_volunteers_password_is_not_even_kept(self):
        self.write(init_data.NAME, INIT_DATA)
        self.assertFalse(SECRET in repr(vars(init_data.read(self.folder))))

    def test_no_file_is_nothing_and_a_cut_file_is_unreadable(self):
        self.assertEqual(init_data.read(self.folder), None)
        for end in (0, 20, len(INIT_DATA) - 5):
            self.write(init_data.NAME, INIT_DATA[:end])
            self.raised(init_data.Unreadable, init_data.read, self.folder)


class Channels(running.unittest.TestCase):
    def setUp(self):
        self.memory = _memory(channels.TOTAL)
        self.channel = channels.Channel(self.memory, channels.STATUS)

    def test_a_message_is_received_once(self):
        self.assertTrue(self.channel.send("<a/>\n<b/>"))
        self.assertEqual(self.channel.receive(), "<a/>\n<b/>")
        self.assertEqual(self.channel.receive(), None)

    def test_a_full_channel_is_left_alone(self):
        self.assertTrue(self.channel.send("first"))
        self.assertFalse(self.channel.send("second"))
        self.assertEqual(self.channel.receive(), "first")

    def test_a_long_message_is_cut_and_touches_no_other_channel(self):
        self.assertTrue(self.channel.send("x" * 5000))
        self.assertEqual(self.channel.receive(), "x" * 1022)
        zero = text.to_bytes("\0")
        rest = self.memory[: channels.STATUS] + self.memory[channels.STATUS + channels.SIZE :]
        self.assertEqual(rest.strip(zero), text.to_bytes(""))

    def test_a_message_that_fills_the_channel_without_an_end_is_read(self):
        self.memory[channels.CONTROL : channels.SIZE] = text.to_bytes("\1" + "y" * 1023)
        received = channels.Channel(self.memory, channels.CONTROL).receive()
        self.assertEqual(received, "y" * 1023)


def _memory(size):
    import mmap

    return mmap.mmap(-1, size)


class Client(running.unittest.TestCase):
    def setUp(self):
        self.memory = _memory(channels.TOTAL)
        self.time = FakeTime()
        self.clock = clock.Clock(self.time, self.time)

    def client(self, fields):
        return client.Client(".", init_data.InitData(fields), self.memory, self.clock)

    def say(self, offset, message):
        self.assertTrue(channels.Channel(self.memory, offset).send(message))

    def test_each_wish_is_heard_once_and_unknown_ones_are_passed_over(self):
        found = self.client("<client_pid>%d</client_pid>" % os.getpid())
        for wish in (client.SUSPEND, client.RESUME, client.QUIT, client.ABORT):
            self.say(channels.CONTROL, "<new_one/><%s/>" % wish)
            self.assertEqual(found.wishes(), [wish])
            self.assertEqual(found.wishes(), [])

    def test_thirty_seconds_without_heartbeat_are_the_end_for_a_client_without_id(self):
        found = self.client("")
        self.assertEqual(self.polled(found, 29.0), [])
        self.say(channels.HEARTBEAT, "<heartbeat/><wss>1</wss>")
        self.assertEqual(self.polled(found, 29.0), [])
        self.assertEqual(self.polled(found, 2.0)[:1], [client.GONE])

    def test_time_in_which_we_did_not_listen_is_no_silence(self):
        found = self.client("")
        self.time.seconds += 3600.0
        self.assertEqual(found.wishes(), [])

    def test_a_living_client_with_an_id_may_be_silent(self):
        found = self.client("<client_pid>%d</client_pid>" % os.getpid())
        self.assertEqual(self.polled(found, 100.0), [])

    def test_a_dead_client_is_noticed_within_ten_seconds(self):
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        found = self.client("<client_pid>%d</client_pid>" % process.pid)
        self.assertEqual(self.polled(found, 11.0), [])
        process.stdin.close()
        process.wait()
        self.assertEqual(self.polled(found, 11.0)[:1], [client.GONE])

    def test_a_report_has_finite_numbers_in_the_c_locale(self):
        found = self.client("<fraction_done_start>0.5</fraction_done_start>")
        self.assertTrue(found.report(1.25, 0.5, 0.5))
        self.assertFalse(found.report(2.0, 0.5, 0.5), "the client has not read the first")
        lines = channels.Channel(self.memory, channels.STATUS).receive().splitlines()
        self.assertEqual(lines[0], "<current_cpu_time>1.250000000e+00</current_cpu_time>")
        self.assertEqual(lines[1], "<checkpoint_cpu_time>5.000000000e-01</checkpoint_cpu_time>")
        self.assertEqual(lines[3], "<fraction_done>7.500000e-01</fraction_done>")

    def polled(self, found, seconds):
        """All wishes while so many seconds pass, polled ten times a second."""
        wishes = []
        end = self.time.seconds + seconds
        while self.time.seconds < end:
            self.time.seconds += 0.1
            wishes += found.wishes()
        return wishes


class FakeTime(object):
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


class Slot(FolderCase):
    def test_a_soft_link_leads_out_of_the_slot_and_a_plain_file_is_itself(self):
        here = slot.Slot(self.path("slots", "0"))
        os.makedirs(here.folder)
        self.write(os.path.join("slots", "0", "a"), "<soft_link>../../projects/x y/a_1</soft_link>\n")
        self.write(os.path.join("slots", "0", "b"), "PYMW 1 bundle\n")
        self.assertEqual(here.resolve("a"), self.path("projects", "x y", "a_1"))
        self.assertEqual(here.resolve("b"), here.path("b"))
        self.assertEqual(here.resolve("absent"), here.path("absent"))

    def test_only_one_process_has_the_lock(self):
        here = slot.Slot(self.folder)
        self.assertTrue(here.lock(0.0))
        self.assertEqual(self.try_lock(), "False")
        here.unlock()
        self.assertFalse(os.path.exists(self.path(slot.LOCK_FILE)))
        self.assertEqual(self.try_lock(), "True")

    def test_the_lock_of_a_dead_process_is_free(self):
        self.assertEqual(self.try_lock("import os; os._exit(0)"), "True")
        here = slot.Slot(self.folder)
        self.assertTrue(here.lock(0.0))
        here.unlock()

    def try_lock(self, then=""):
        program = (
            "import sys; sys.path[:0] = [sys.argv[1]]; from pymw_worker.boinc import slot\n"
            "here = slot.Slot(sys.argv[2])\n"
            "sys.stdout.write(str(here.lock(0.3))); sys.stdout.flush()\n%s" % then
        )
        command = [sys.executable, "-c", program, running.archive(), self.folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        answer = text.to_text(process.communicate()[0])
        return str(answer)

    def test_the_finish_file_is_read_as_it_is_written(self):
        here = slot.Slot(self.folder)
        self.assertEqual(here.finish_code(), None)
        here.finish()
        self.assertEqual(here.finish_code(), 0)
        self.write(slot.FINISH_FILE, "195\nwords\n\n")
        self.assertEqual(here.finish_code(), 195)
        self.write(slot.FINISH_FILE, "")
        self.assertEqual(here.finish_code(), 0)

    def test_a_temporary_exit_has_seconds_and_a_reason_of_one_line(self):
        slot.Slot(self.folder).postpone(600, "no room\non the disk")
        self.assertEqual(self.read(slot.TEMPORARY_EXIT_FILE), "600\nno room on the disk\n")

    def test_shared_memory_that_is_not_there_is_said(self):
        found = init_data.InitData("<comm_obj_name>pymw_no_such</comm_obj_name>")
        self.raised(shared_memory.NoSharedMemory, shared_memory.attach, self.folder, found)


class Clock(running.unittest.TestCase):
    def test_without_a_monotonic_clock_jumps_of_the_other_are_taken_out(self):
        time = FakeTime()
        found = clock.Clock(None, time)
        for step in (1.0, -5000.0, 2.0, 86400.0, 3.0):
            time.seconds += step
            found.now()
        self.assertEqual(found.now(), 6.0)

    def test_a_stopwatch_counts_only_while_it_runs(self):
        time = FakeTime()
        watch = clock.Stopwatch(clock.Clock(time, time), 10.0)
        time.seconds += 5
        watch.start()
        time.seconds += 2
        watch.start()
        time.seconds += 1
        watch.stop()
        time.seconds += 50
        watch.stop()
        self.assertEqual(watch.seconds(), 13.0)
