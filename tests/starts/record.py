#!/usr/bin/env python3
"""Records what real brokers do with log dirs that they refuse, or of which they delete something in their first minute.

    record.py KAFKA OUT PORT RELEASE...

KAFKA is a script that runs Kafka of any release: `KAFKA serve RELEASE DIR[,DIR] PORT KEY=VALUE...` in the foreground, with the
broker's process id in DIR.pid, and `KAFKA java RELEASE CLASS ARG...`. A base log dir is made by a broker of each release, with
topics whose records are of chosen times; copies of it are changed and started. OUT/RELEASE.ndjson gets a line for the base, with
all of its files, and a line for each start: what was changed before it, the settings, the time, the outcome, where each partition
began and ended, and whatever else was asked. Contents are lists of hexadecimal strings and of numbers of zeros between them.
ONLY is a pattern for the names of the cases that are made. What is recorded already is left as it is, and its base is used again.
RELEASE may be BASE:RELEASE: a release is started on the log dirs of another. `gzip -9n` makes of it what lies in testdata/starts.
"""
import json, os, re, shutil, signal, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
KAFKA, OUT, PORT, RELEASES = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
DAY = 86_400_000


def number(release):
    return tuple(int(part) for part in release.split('.')[:2])


class Broker:
    """A broker in the foreground of a process of its own."""

    def __init__(self, release, dirs, settings, log):
        self.pid_file, self.log = dirs[0] + '.pid', log
        if os.path.exists(self.pid_file):
            os.remove(self.pid_file)
        command = [KAFKA, 'serve', release, ','.join(dirs), str(PORT)] + settings
        env = dict(os.environ, CLUSTER_ID='MkU3OEVBNTcwNTJENDM2Qg', TIERED='1', JAVA_OPTS='-Xmx256m')
        self.run = subprocess.Popen(command, stdout=open(log, 'w'), stderr=subprocess.STDOUT, env=env)

    def text(self):
        return open(self.log, errors='replace').read()

    def wait(self, pattern, seconds):
        """Whether the log says so before the broker ends or the time is over."""
        until = time.time() + seconds
        while time.time() < until:
            if re.search(pattern, self.text()):
                return True
            if self.run.poll() is not None:
                return bool(re.search(pattern, self.text()))
            time.sleep(0.3)
        return False

    def stop(self, how=signal.SIGTERM):
        if self.run.poll() is None:
            try:
                os.kill(int(open(self.pid_file).read()), how)
            except (OSError, ValueError):
                self.run.terminate()
            try:
                self.run.wait(40)
            except subprocess.TimeoutExpired:
                os.kill(int(open(self.pid_file).read()), signal.SIGKILL)
                self.run.wait(10)
        return self.run.returncode


def java(release, *args, of='Topics'):
    env = dict(os.environ, TIERED='1')
    command = [KAFKA, 'java', release, f'{HERE}/{of}.java', str(PORT), *args]
    try:
        run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=150)
        if run.returncode:
            print(release, args, run.stderr[:600], flush=True)
        return run.stdout
    except subprocess.TimeoutExpired:
        print(release, args, 'took too long', flush=True)
        return ''


STARTED = r'\bstarted \(kafka\.server\.(KafkaServer|KafkaRaftServer|BrokerServer)|Kafka Server started|Transition from STARTING to STARTED'


def topics(release, now):
    """The topics of a base: what retention does with each shows after the start."""
    small = 'segment.bytes=300' if number(release) < (4, 0) else 'internal.segment.bytes=300'
    old, new, future = now - 30 * DAY, now - 3_600_000, now + 30 * DAY
    # Since 4.0 a broker takes no records from more than an hour ahead unless it is told to.
    ahead = ['message.timestamp.after.max.ms=9223372036854775807'] if number(release) >= (3, 6) else []
    mixed = [old] * 6 + [new] * 4
    of = lambda name, settings, times: ' '.join([name, ';'.join([small] + settings)] + [str(t) for t in times])
    return [
        of('time', [], mixed),
        of('all-old', [], [old] * 5),
        of('fresh', [], [new] * 5),
        of('future-first', ahead, [future, future, future] + [old] * 5),
        of('zeroed', [], [new] * 8),
        of('no-times', [], [old] * 8),
        of('start', ['retention.ms=-1'], [old] * 9),
        of('forever', ['retention.ms=-1'], [old] * 5),
        of('squeezed', ['retention.ms=-1', 'retention.bytes=700'], [old] * 12),
        of('compacted', ['cleanup.policy=compact', 'min.cleanable.dirty.ratio=1.0'], [old] * 6),
        of('both', ['cleanup.policy=compact,delete', 'min.cleanable.dirty.ratio=1.0'], mixed),
        of('keyed', ['cleanup.policy=compact', 'min.cleanable.dirty.ratio=0.1'], [new] * 9),
        of('paid', ['retention.ms=-1'], []),
        of('tombs', ['cleanup.policy=compact', 'min.cleanable.dirty.ratio=0.1'], [new] * 5 + [f'{new}!'] * 2 + [new] * 4),
        of('deduped', ['cleanup.policy=compact,delete', 'min.cleanable.dirty.ratio=0.1'], mixed),
    ]


def base(release, work):
    """Two log dirs of the release, closed in order, in which no retention check has run; of those that were made before."""
    home = f'{OUT}/base-{release}'
    dirs = [home + '/a', home + '/b']
    if os.path.exists(home + '/made'):
        return dirs
    if os.path.exists(f'{OUT}/{release}.ndjson'):
        restore(json.loads(open(f'{OUT}/{release}.ndjson').readline()), home)
        return dirs
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home)
    now = int(time.time() * 1000)
    lines = work + '/topics'
    open(lines, 'w').write('\n'.join(topics(release, now)) + '\n')
    # With this nothing is too old while the topics are made, and the size is looked at after 30 s at the earliest.
    settings = ['log.retention.ms=-1', 'log.cleaner.enable=false']
    if number(release) >= (3, 7):
        settings.append('log.initial.task.delay.ms=3600000')
    broker = Broker(release, dirs, settings, work + '/base.log')
    if not broker.wait(STARTED, 240):
        broker.stop()
        sys.exit(f'{release}: the base did not start, see {work}/base.log')
    java(release, 'make', lines)
    broker.stop()
    open(home + '/made', 'w').write(str(now))
    return dirs


def restore(line, home):
    """Writes the files of a base again, as they were recorded."""
    for name, parts in line['files'].items():
        path = os.path.join(home, name)
        os.makedirs(path if name.endswith('/') else os.path.dirname(path), exist_ok=True)
        if not name.endswith('/'):
            open(path, 'wb').write(b''.join(bytes.fromhex(p) if isinstance(p, str) else bytes(p) for p in parts))
            os.utime(path, (line['made'] / 1000,) * 2)
    open(home + '/made', 'w').write(str(line['made']))


def content(path):
    """The bytes of a file: hexadecimal strings, and numbers of zeros between them."""
    data = open(path, 'rb').read()
    parts = []
    at = 0
    for run in re.finditer(rb'\0{64,}', data):
        if run.start() > at:
            parts.append(data[at:run.start()].hex())
        parts.append(run.end() - run.start())
        at = run.end()
    if at < len(data):
        parts.append(data[at:].hex())
    return parts


def tree(dirs):
    """The files and the empty folders of log dirs, by their names below; what only ZooKeeper and the lock need is left out."""
    found = {}
    for d in dirs:
        for at, folders, files in os.walk(d):
            for name in files:
                if name != '.lock':
                    path = os.path.join(at, name)
                    found[os.path.relpath(path, os.path.dirname(d))] = path
            if not folders and not files:
                found[os.path.relpath(at, os.path.dirname(d)) + '/'] = None
    return found


def changes(before, after):
    """What was done to the base: contents by name, none for what is gone, and the times of `.log`s that were set."""
    one, other = tree(before), tree(after)
    files = {name: None for name in one if name not in other}
    times = {}
    for name, path in other.items():
        was = one.get(name)
        if path is None:
            files[name] = []
        elif was is None or open(was, 'rb').read() != open(path, 'rb').read():
            files[name] = content(path)
        if path and was and name.endswith('.log') and abs(os.stat(path).st_mtime - os.stat(was).st_mtime) > 60:
            times[name] = int(os.stat(path).st_mtime * 1000)
    return files, times


def find(dirs, name):
    return next(os.path.join(d, name) for d in dirs if os.path.isdir(os.path.join(d, name)))


def edit(path, change):
    text = open(path, encoding='latin-1').read()
    open(path, 'w', encoding='latin-1').write(change(text))


def copy(dirs, to):
    shutil.rmtree(to, ignore_errors=True)
    os.makedirs(to)
    made = []
    for d in dirs:
        made.append(os.path.join(to, os.path.basename(d)))
        subprocess.run(['cp', '-a', '--sparse=always', d, made[-1]], check=True)
        lock = made[-1] + '/.lock'
        if os.path.exists(lock):
            os.remove(lock)
    return made


def retention(dirs, release):
    """What files can tell of time: zeroed and missing time indexes, and a log start offset."""
    zeroed, without = find(dirs, 'zeroed-0'), find(dirs, 'no-times-0')
    for name in os.listdir(zeroed):
        if name.endswith('.timeindex'):
            open(os.path.join(zeroed, name), 'wb').write(bytes(24))
    for name in os.listdir(without):
        path = os.path.join(without, name)
        if name.endswith('.timeindex'):
            os.remove(path)
        elif name.endswith('.log'):
            os.utime(path, (time.time() - 3600,) * 2)
    home = os.path.dirname(find(dirs, 'start-0'))
    open(home + '/log-start-offset-checkpoint', 'w').write('0\n1\nstart 0 5\n')


def cases(release):
    """Name, what it is, what is done to the files, and other settings."""
    kraft, ids = number(release) >= (3, 3), number(release) >= (3, 7)
    week = ['log.retention.ms=604800000']
    nothing = lambda dirs, release: None
    yield 'retention-week', 'records of 30 days ago, a week kept', retention, week
    yield 'retention-hours', 'records kept for two hours', nothing, ['log.retention.hours=2']
    yield 'retention-size', 'no more than 400 bytes kept', nothing, ['log.retention.ms=-1', 'log.retention.bytes=400']
    yield 'compaction', 'a compacted topic that was never cleaned', nothing, ['log.retention.ms=-1']

    yield 'retention-both', 'records kept for two hours, and no more than 400 bytes of them', nothing, [
        'log.retention.hours=2', 'log.retention.bytes=400']

    def starts(dirs, release):
        one = find(dirs, 'forever-0')
        open(os.path.dirname(one) + '/log-start-offset-checkpoint', 'w').write('0\n1\nforever 0 3\n')
    yield 'retention-log-start', 'records below an offset were deleted', starts, ['log.retention.ms=-1']
    yield 'compaction-lag', 'records are not compacted for a day', nothing, [
        'log.retention.ms=-1', 'log.cleaner.min.compaction.lag.ms=86400000']
    yield 'compaction-off', 'the cleaner does not run', nothing, ['log.retention.ms=-1', 'log.cleaner.enable=false']

    def cleaned(dirs, release):
        one = find(dirs, 'keyed-0')
        open(os.path.dirname(one) + '/cleaner-offset-checkpoint', 'w').write('0\n1\nkeyed 0 4\n')
    yield 'compaction-checkpoint', 'the first records were cleaned before', cleaned, ['log.retention.ms=-1']
    yield 'compaction-tombstones', 'keys that were deleted', lambda dirs, release: find(dirs, 'tombs-0') and None, ['log.retention.ms=-1']
    yield 'compaction-deletes', 'a topic that is compacted and loses old records', lambda dirs, release: find(dirs, 'deduped-0') and None, week

    def flip(dirs, release):
        with open(find(dirs, 'forever-0') + '/00000000000000000000.log', 'r+b') as log:
            log.seek(131 + 100)
            log.write(b'x')
    yield 'read-value', 'a byte in the second batch is flipped, and the broker stopped in order', flip, week

    def sized(dirs, release):
        with open(find(dirs, 'forever-0') + '/00000000000000000000.log', 'r+b') as log:
            log.seek(131 + 8)
            log.write(bytes([0, 0, 0, 5]))
    yield 'read-size', 'the second batch says a size of 5', sized, week

    def overlong(dirs, release):
        with open(find(dirs, 'forever-0') + '/00000000000000000000.log', 'r+b') as log:
            log.seek(131 + 8)
            log.write(bytes([0, 1, 0, 0]))
    yield 'read-overlong', 'the second batch says a size beyond the file', overlong, week

    def hole(dirs, release):
        with open(find(dirs, 'forever-0') + '/00000000000000000000.log', 'r+b') as log:
            log.seek(131)
            log.write(bytes(131))
    yield 'read-zeros', 'zeros in place of the second batch', hole, week

    def twofold(dirs, release):
        path = find(dirs, 'forever-0') + '/00000000000000000002.log'
        data = open(path, 'rb').read()
        open(path, 'wb').write(data[:131] + data[:131] + data[131:])
    yield 'read-twice', 'a batch is in the log twice', twofold, week

    def segment_gone(dirs, release):
        one = find(dirs, 'forever-0')
        for name in os.listdir(one):
            if name.startswith('00000000000000000002.') and not name.endswith('.snapshot'):
                os.remove(one + '/' + name)
    yield 'segment-gone', 'a segment in the middle is gone', segment_gone, week

    def first_gone(dirs, release):
        one = find(dirs, 'forever-0')
        for name in os.listdir(one):
            if name.startswith('00000000000000000000.'):
                os.remove(one + '/' + name)
    yield 'first-segment-gone', 'the first segment is gone', first_gone, week

    def lost_folder(dirs, release):
        shutil.rmtree(find(dirs, 'fresh-0'))
    yield 'lost-folder', 'the folder of a partition is gone', lost_folder, week

    def no_coordinator(dirs, release):
        shutil.rmtree(find(dirs, '__transaction_state-0'))
    yield 'hanging', 'an open transaction, and nobody who knows of it', no_coordinator, week
    yield 'offsets-expire', 'committed offsets kept for a minute', nothing, week + [
        'offsets.retention.minutes=1', 'offsets.retention.check.interval.ms=5000']
    yield 'ids-expire', 'transactional ids and producers kept for half a minute', nothing, week + [
        'transactional.id.expiration.ms=30000', 'transaction.remove.expired.transaction.cleanup.interval.ms=5000'] + (
        ['producer.id.expiration.ms=30000', 'producer.id.expiration.check.interval.ms=5000'] if number(release) >= (3, 4) else [])

    def lost_found(dirs, release):
        os.mkdir(dirs[1] + '/lost+found')
    yield 'lost-found', 'a folder lost+found in a log dir', lost_found, week

    def twice(dirs, release):
        one = find(dirs, 'fresh-0')
        other = [d for d in dirs if d != os.path.dirname(one)][0]
        shutil.copytree(one, other + '/fresh-0')
    yield 'partition-twice', 'a partition in both log dirs', twice, week

    def deleted(dirs, release):
        one = find(dirs, 'fresh-0')
        os.rename(one, one + '.0123456789abcdef0123456789abcdef-delete')
    yield 'deleted', 'a partition marked for deletion', deleted, week + ['log.segment.delete.delay.ms=2000']

    def strayed(dirs, release):
        one = find(dirs, 'fresh-0')
        os.rename(one, one + '.0123456789abcdef0123456789abcdef-stray')
    yield 'stray-folder', 'a folder of a stray', strayed, week
    yield 'other-node', 'another node.id in the settings', nothing, week + [('node.id=7' if kraft else 'broker.id=7')]

    def other_cluster(dirs, release):
        edit(dirs[1] + '/meta.properties', lambda t: re.sub('cluster.id=.*', 'cluster.id=AAAAAAAAAAAAAAAAAAAABQ', t))
    yield 'other-cluster', 'the second log dir is of another cluster', other_cluster, week

    def no_meta(dirs, release):
        os.remove(dirs[1] + '/meta.properties')
    yield 'meta-missing', 'the second log dir has no meta.properties', no_meta, week

    def version(dirs, release):
        old = 'version=0\nbroker.id=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\n'
        new = 'version=1\nnode.id=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\n'
        for d in dirs:
            open(d + '/meta.properties', 'w').write(old if kraft else new)
    yield 'meta-other-version', 'meta.properties is of the other kind of cluster', version, week
    if not kraft:
        return

    def two_logs(dirs, release):
        one = find(dirs, '__cluster_metadata-0')
        other = [d for d in dirs if d != os.path.dirname(one)][0]
        shutil.copytree(one, other + '/__cluster_metadata-0')
    yield 'metadata-twice', 'the metadata log in both log dirs', two_logs, week

    def elsewhere(dirs, release):
        shutil.move(find(dirs, '__cluster_metadata-0'), dirs[1] + '/__cluster_metadata-0')
    yield 'metadata-elsewhere', 'the metadata log in the second log dir', elsewhere, week

    def unknown_id(dirs, release):
        edit(find(dirs, 'fresh-0') + '/partition.metadata', lambda t: re.sub('topic_id: .*', 'topic_id: Q8uYWOBbQgmP3sRYsCcnBA', t))
    yield 'unknown-id', 'a topic id that the cluster does not have', unknown_id, week

    def no_id(dirs, release):
        os.remove(find(dirs, 'fresh-0') + '/partition.metadata')
    yield 'no-id', 'no partition.metadata', no_id, week

    def other_id(dirs, release):
        shutil.copy(find(dirs, 'forever-0') + '/partition.metadata', find(dirs, 'fresh-0') + '/partition.metadata')
    yield 'other-topic', 'the id of another topic', other_id, week

    def unknown_topic(dirs, release):
        one = find(dirs, 'fresh-0')
        os.rename(one, os.path.join(os.path.dirname(one), 'fresh-1'))
    yield 'no-partition', 'a partition of a number that the topic does not have', unknown_topic, week
    if ids:
        def no_directory(dirs, release):
            edit(dirs[1] + '/meta.properties', lambda t: re.sub('directory.id=.*\n', '', t))
        yield 'no-directory-id', 'the second log dir has no directory.id', no_directory, week

        def same_directory(dirs, release):
            one = re.search('directory.id=.*', open(dirs[0] + '/meta.properties').read()).group(0)
            edit(dirs[1] + '/meta.properties', lambda t: re.sub('directory.id=.*', lambda m: one, t))
        yield 'directory-id-twice', 'both log dirs have one directory.id', same_directory, week


def start(release, name, what, change, settings, dirs, work, base):
    lying = copy(dirs, work + '/lying')
    change(lying, release)
    files, times = changes(dirs, lying)
    started = copy(lying, work + '/run')
    if os.path.isdir(dirs[0] + '.zk'):
        shutil.copytree(dirs[0] + '.zk', started[0] + '.zk')
    hour = name.startswith(('retention', 'compaction')) or name in ('deleted', 'offsets-expire', 'ids-expire')
    more = ['log.initial.task.delay.ms=2000'] if number(release) >= (3, 7) else []
    now = int(time.time() * 1000)
    broker = Broker(release, started, settings + more, work + '/run.log')
    loaded = broker.wait(STARTED, 200)
    seen = 0
    # Until the cluster knows a new directory.id, partitions have no leader.
    waited = 75 if name == 'no-directory-id' else (20 if more else 36) if hour else 2
    asked = {'ends': {}}
    if loaded:
        # The first check comes after 30 s before 3.7, and the cleaner looks after 15 s.
        time.sleep(waited)
        seen = int(time.time() * 1000) - now
        said = java(release, 'ends')
        if name == 'offsets-expire':
            said += java(release, 'groups')
        cleaned = {'compaction-tombstones': 'tombs', 'compaction-deletes': 'deduped'}
        if name.startswith('read'):
            said += java(release, 'read', 'forever')
        if name.startswith('compaction'):
            said += java(release, 'read', cleaned.get(name, 'keyed'))
        if name == 'ids-expire' and number(release) >= (3, 3):
            said += java(release, 'paid', of='Ids')
        for line in said.splitlines():
            kind, key, *words = line.split()
            words = [int(w) if w.lstrip('-').isdigit() else w for w in words]
            if kind == 'ends':
                asked['ends'][key] = [w if isinstance(w, int) else None for w in words]
            else:
                asked.setdefault(kind + 's' if kind != 'producers' else kind, []).append([key] + words)
    alive = broker.run.poll() is None
    code = broker.stop()
    lines = [l for l in broker.text().splitlines() if re.search(
        r'ERROR|FATAL|[Ss]tray|due to|Exception:|offline|Deleted log|ghost', l)][:12]
    listing = {os.path.basename(d): sorted(n for n in os.listdir(d) if os.path.isdir(os.path.join(d, n))) for d in started}
    outcome = 'loaded' if loaded and alive else 'broker-died' if not alive else 'hung'
    if outcome == 'loaded' and not asked['ends']:
        outcome = 'not-served'
    if outcome == 'loaded' and re.search(r'Stopping serving logs in dir|Error while reading meta.properties|marked as offline', broker.text()):
        outcome = 'logdir-offline'
    record = dict(name=name, kafka=release, what=what, changed=files, times=times, settings=settings + more, now=now, outcome=outcome,
                  exit_code=code, waited_ms=waited * 1000, seen_after_ms=seen, **asked, directories=listing,
                  log_lines=[l.replace(work, '').replace(OUT, '')[:200] for l in lines])
    open(f'{OUT}/{base}.ndjson', 'a').write(json.dumps(record) + '\n')
    print(time.strftime('%H:%M:%S'), release, name, outcome, {k: v for k, v in asked.items() if k != 'ends'} or asked['ends'], flush=True)


def main():
    for pair in RELEASES:
        made_by, release = pair.split(':') if ':' in pair else (pair, pair)
        work = f'{OUT}/work-{PORT}'
        os.makedirs(work, exist_ok=True)
        dirs = base(made_by, work)
        out = f'{OUT}/{made_by}.ndjson'
        if not os.path.exists(out):
            files = {name: content(path) if path else [] for name, path in tree(dirs).items()}
            made = int(open(f'{OUT}/base-{made_by}/made').read())
            open(out, 'w').write(json.dumps(dict(base=made_by, made=made, files=files)) + '\n')
        recorded = {(line.get('kafka'), line.get('name')) for line in map(json.loads, open(out))}
        own = [('other-release', f'log dirs of {made_by}', lambda dirs, release: None, ['log.retention.ms=604800000'])]
        for name, what, change, settings in own if made_by != release else cases(release):
            if (release, name) in recorded or not re.fullmatch(os.environ.get('ONLY', '.*'), name):
                continue
            try:
                start(release, name, what, change, settings, dirs, work, made_by)
            except (OSError, StopIteration, subprocess.SubprocessError) as error:
                print(release, name, 'not recorded:', error, flush=True)


main()
