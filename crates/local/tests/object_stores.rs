//! Both stores keep the one contract; the folder also survives what only folders meet.
#![allow(clippy::disallowed_methods, reason = "a test looks at the files themselves")]

use std::fs;

use compliance::ports::{Clock, ObjectStore, PortErrorKind, Put};
use compliance::secret::Secret;
use local::{
    FolderLock, FolderObjectStore, Locking, MemoryEventTable, MemoryNotifier, MemoryObjectStore,
    MemorySecrets, SystemClock, contract,
};

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract::object_store(&MemoryObjectStore::default()).await;
}

#[tokio::test]
async fn a_notifier_in_memory_keeps_the_contract() {
    let notifier = MemoryNotifier::default();
    contract::notifier(&notifier, async || notifier.told()).await;
}

#[tokio::test]
async fn secrets_in_memory_keep_the_contract() {
    let known = ("slack/webhook".to_owned(), Secret::new("hush-hush".to_owned()));
    let secrets = MemorySecrets::new([known]);
    contract::secrets(&secrets, ("slack/webhook", "hush-hush"), "slack/other").await;
}

#[tokio::test]
async fn an_event_table_in_memory_keeps_the_contract() {
    let table = MemoryEventTable::new(SystemClock);
    contract::event_table(&table, SystemClock.now()).await;
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderObjectStore::new(folder.path().join("made/when/needed"));
    contract::object_store(&store).await;
}

#[tokio::test]
async fn what_an_interrupted_put_leaves_is_not_an_object() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    fs::write(folder.path().join("a/.partial-xyz"), b"half").unwrap();
    let store = FolderObjectStore::new(folder.path());
    assert_eq!(store.list("a/").await.unwrap(), Vec::<String>::new());
    assert_eq!(store.put_new("a/b", b"whole").await.unwrap(), Put::Created);
    assert_eq!(store.list("a/").await.unwrap(), ["a/b"]);
}

#[tokio::test]
async fn racing_writers_leave_the_first_ones_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let created: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8u8)
            .map(|writer| {
                let store = FolderObjectStore::new(folder.path());
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(store.put_new("one", &[writer; 4096])).unwrap()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| usize::from(writer.join().unwrap() == Put::Created))
            .sum()
    });
    assert_eq!(created, 1);
    let bytes = fs::read(folder.path().join("one")).unwrap();
    assert!(
        bytes.len() == 4096 && bytes.iter().all(|byte| *byte == bytes[0]),
        "one writer's bytes, whole"
    );
}

#[tokio::test]
async fn a_file_in_the_way_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("occupied");
    fs::write(&file, b"").unwrap();
    let error = FolderObjectStore::new(&file)
        .put_new("a", b"x")
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code().as_str()),
        (PortErrorKind::Storage, "Store.Storage")
    );
    assert!(
        error.to_string().contains("occupied") && error.to_string().contains("--out"),
        "{error}"
    );
}

#[tokio::test]
async fn what_interrupted_puts_left_is_swept_where_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderObjectStore::new(folder.path());
    store.put_new("work/deep/a", b"whole").await.unwrap();
    for file in ["work/deep/.partial-xyz", "elsewhere.partial-x", ".partial-xyz"] {
        fs::write(folder.path().join(file), b"half").unwrap();
    }
    store.sweep(&["work/", "nowhere/"]).unwrap();
    let left = |file: &str| folder.path().join(file).exists();
    assert!(left("work/deep/a") && !left("work/deep/.partial-xyz"));
    assert!(
        left("elsewhere.partial-x") && left(".partial-xyz"),
        "not asked for"
    );
}

#[tokio::test]
async fn a_folder_is_held_by_one_and_its_lock_is_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("made/when/needed");
    let Locking::Held(lock) = FolderLock::take(&root, "the first").unwrap() else {
        panic!("nobody else wants it")
    };
    let Locking::Taken(taken) = FolderLock::take(&root, "the second").unwrap() else {
        panic!("it is held")
    };
    assert_eq!(taken.by, "the first");
    let store = FolderObjectStore::new(&root);
    assert_eq!(store.list("").await.unwrap(), Vec::<String>::new());
    assert!(store.get(".plumbline-lock").await.is_err());

    let (sender, receiver) = std::sync::mpsc::channel();
    let second = std::thread::spawn({
        let root = root.clone();
        move || {
            let lock = taken.wait(&root, "the second").unwrap();
            sender.send(()).unwrap();
            lock
        }
    });
    assert!(receiver.try_recv().is_err(), "it waits");
    drop(lock);
    let lock = second.join().unwrap();
    let Locking::Taken(taken) = FolderLock::take(&root, "the third").unwrap() else {
        panic!("it is held again")
    };
    assert_eq!(taken.by, "the second");
    drop(lock);
    assert!(matches!(
        FolderLock::take(&root, "the third").unwrap(),
        Locking::Held(_)
    ));
}
