//! Enumerations carried by attributes: one table per enumeration.

use super::macros::wire_enum;

wire_enum! {
    /// `TAddressType`.
    ///
    /// Spec: T-Library reference §3
    pub struct AddressType(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `DN`, 1.
        DN = 1 => "DN",
        /// `Position`, 2.
        POSITION = 2 => "Position",
        /// `Queue`, 3.
        QUEUE = 3 => "Queue",
        /// `RouteDN`, 4.
        ROUTE_DN = 4 => "RouteDN",
        /// `Trunk`, 5.
        TRUNK = 5 => "Trunk",
        /// `VoiceChannel`, 6.
        VOICE_CHANNEL = 6 => "VoiceChannel",
        /// `DataChannel`, 7.
        DATA_CHANNEL = 7 => "DataChannel",
        /// `Announcement`, 8.
        ANNOUNCEMENT = 8 => "Announcement",
        /// `ASAI`, 9.
        ASAI = 9 => "ASAI",
        /// `ACDGroup`, 10.
        ACD_GROUP = 10 => "ACDGroup",
        /// `VSP`, 11.
        VSP = 11 => "VSP",
        /// `RouteQueue`, 12.
        ROUTE_QUEUE = 12 => "RouteQueue",
        /// `AgentID`, 13.
        AGENT_ID = 13 => "AgentID",
        /// `Other`, 99.
        OTHER = 99 => "Other",
    }
}

wire_enum! {
    /// `TServerRole`.
    ///
    /// Spec: T-Library reference §3
    pub struct ServerRole(i32) {
        /// `Primary`, 0.
        PRIMARY = 0 => "Primary",
        /// `Backup`, 1.
        BACKUP = 1 => "Backup",
    }
}

wire_enum! {
    /// `TCallType`.
    ///
    /// Spec: T-Library reference §3
    pub struct CallType(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `Internal`, 1.
        INTERNAL = 1 => "Internal",
        /// `Inbound`, 2.
        INBOUND = 2 => "Inbound",
        /// `Outbound`, 3.
        OUTBOUND = 3 => "Outbound",
        /// `Consult`, 4.
        CONSULT = 4 => "Consult",
    }
}

wire_enum! {
    /// `TCallState`.
    ///
    /// Spec: T-Library reference §3
    pub struct CallState(i32) {
        /// `Ok`, 0.
        OK = 0 => "Ok",
        /// `Transferred`, 1.
        TRANSFERRED = 1 => "Transferred",
        /// `Conferenced`, 2.
        CONFERENCED = 2 => "Conferenced",
        /// `GeneralError`, 3.
        GENERAL_ERROR = 3 => "GeneralError",
        /// `SystemError`, 4.
        SYSTEM_ERROR = 4 => "SystemError",
        /// `RemoteRelease`, 5.
        REMOTE_RELEASE = 5 => "RemoteRelease",
        /// `Busy`, 6.
        BUSY = 6 => "Busy",
        /// `NoAnswer`, 7.
        NO_ANSWER = 7 => "NoAnswer",
        /// `SitDetected`, 8.
        SIT_DETECTED = 8 => "SitDetected",
        /// `AnsweringMachineDetected`, 9.
        ANSWERING_MACHINE_DETECTED = 9 => "AnsweringMachineDetected",
        /// `AllTrunksBusy`, 10.
        ALL_TRUNKS_BUSY = 10 => "AllTrunksBusy",
        /// `SitInvalidnum`, 11.
        SIT_INVALIDNUM = 11 => "SitInvalidnum",
        /// `SitVacant`, 12.
        SIT_VACANT = 12 => "SitVacant",
        /// `SitIntercept`, 13.
        SIT_INTERCEPT = 13 => "SitIntercept",
        /// `SitUnknown`, 14.
        SIT_UNKNOWN = 14 => "SitUnknown",
        /// `SitNocircuit`, 15.
        SIT_NOCIRCUIT = 15 => "SitNocircuit",
        /// `SitReorder`, 16.
        SIT_REORDER = 16 => "SitReorder",
        /// `FaxDetected`, 17.
        FAX_DETECTED = 17 => "FaxDetected",
        /// `QueueFull`, 18.
        QUEUE_FULL = 18 => "QueueFull",
        /// `Cleared`, 19.
        CLEARED = 19 => "Cleared",
        /// `Overflowed`, 20.
        OVERFLOWED = 20 => "Overflowed",
        /// `Abandoned`, 21.
        ABANDONED = 21 => "Abandoned",
        /// `Redirected`, 22.
        REDIRECTED = 22 => "Redirected",
        /// `Forwarded`, 23.
        FORWARDED = 23 => "Forwarded",
        /// `Consult`, 24.
        CONSULT = 24 => "Consult",
        /// `Pickedup`, 25.
        PICKEDUP = 25 => "Pickedup",
        /// `Dropped`, 26.
        DROPPED = 26 => "Dropped",
        /// `Droppednoanswer`, 27.
        DROPPEDNOANSWER = 27 => "Droppednoanswer",
        /// `Unknown`, 28.
        UNKNOWN = 28 => "Unknown",
        /// `Covered`, 29.
        COVERED = 29 => "Covered",
        /// `ConverseOn`, 30.
        CONVERSE_ON = 30 => "ConverseOn",
        /// `Bridged`, 31.
        BRIDGED = 31 => "Bridged",
        /// `Deafened`, 49.
        DEAFENED = 49 => "Deafened",
        /// `Held`, 50.
        HELD = 50 => "Held",
    }
}

wire_enum! {
    /// `TAgentWorkMode`.
    ///
    /// Spec: T-Library reference §3
    pub struct AgentWorkMode(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `ManualIn`, 1.
        MANUAL_IN = 1 => "ManualIn",
        /// `AutoIn`, 2.
        AUTO_IN = 2 => "AutoIn",
        /// `AfterCallWork`, 3.
        AFTER_CALL_WORK = 3 => "AfterCallWork",
        /// `AuxWork`, 4.
        AUX_WORK = 4 => "AuxWork",
        /// `NoCallDisconnect`, 5.
        NO_CALL_DISCONNECT = 5 => "NoCallDisconnect",
        /// `WalkAway`, 6.
        WALK_AWAY = 6 => "WalkAway",
        /// `ReturnBack`, 7.
        RETURN_BACK = 7 => "ReturnBack",
    }
}

wire_enum! {
    /// `TDNRole`.
    ///
    /// Spec: T-Library reference §3
    pub struct DnRole(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `Origination`, 1.
        ORIGINATION = 1 => "Origination",
        /// `Destination`, 2.
        DESTINATION = 2 => "Destination",
        /// `ConferenceMember`, 3.
        CONFERENCE_MEMBER = 3 => "ConferenceMember",
        /// `NewParty`, 4.
        NEW_PARTY = 4 => "NewParty",
        /// `AddedBy`, 5.
        ADDED_BY = 5 => "AddedBy",
        /// `DeletedBy`, 6.
        DELETED_BY = 6 => "DeletedBy",
        /// `TransferredBy`, 7.
        TRANSFERRED_BY = 7 => "TransferredBy",
        /// `DeletedParty`, 8.
        DELETED_PARTY = 8 => "DeletedParty",
        /// `ConferencedBy`, 9.
        CONFERENCED_BY = 9 => "ConferencedBy",
        /// `Observer`, 10.
        OBSERVER = 10 => "Observer",
    }
}

wire_enum! {
    /// `TRegisterMode`.
    ///
    /// Spec: T-Library reference §3
    pub struct RegisterMode(i32) {
        /// `ModeShare`, 0.
        MODE_SHARE = 0 => "ModeShare",
        /// `ModePrivate`, 1.
        MODE_PRIVATE = 1 => "ModePrivate",
        /// `ModeMonitor`, 2.
        MODE_MONITOR = 2 => "ModeMonitor",
    }
}

wire_enum! {
    /// `TControlMode`.
    ///
    /// Spec: T-Library reference §3
    pub struct ControlMode(i32) {
        /// `RegisterDefault`, 0.
        REGISTER_DEFAULT = 0 => "RegisterDefault",
        /// `RegisterForce`, 1.
        REGISTER_FORCE = 1 => "RegisterForce",
        /// `RegisterLocal`, 2.
        REGISTER_LOCAL = 2 => "RegisterLocal",
    }
}

wire_enum! {
    /// `TMakeCallType`.
    ///
    /// Spec: T-Library reference §3
    pub struct MakeCallType(i32) {
        /// `Regular`, 0.
        REGULAR = 0 => "Regular",
        /// `DirectAgent`, 1.
        DIRECT_AGENT = 1 => "DirectAgent",
        /// `SupervisorAssist`, 2.
        SUPERVISOR_ASSIST = 2 => "SupervisorAssist",
        /// `Priority`, 3.
        PRIORITY = 3 => "Priority",
        /// `DirectPriority`, 4.
        DIRECT_PRIORITY = 4 => "DirectPriority",
    }
}

wire_enum! {
    /// `TMergeType`.
    ///
    /// Spec: T-Library reference §3
    pub struct MergeType(i32) {
        /// `ForTransfer`, 0.
        FOR_TRANSFER = 0 => "ForTransfer",
        /// `ForConference`, 1.
        FOR_CONFERENCE = 1 => "ForConference",
    }
}

wire_enum! {
    /// `TForwardMode`.
    ///
    /// Spec: T-Library reference §3
    pub struct ForwardMode(i32) {
        /// `None`, 0.
        NONE = 0 => "None",
        /// `Unconditional`, 1.
        UNCONDITIONAL = 1 => "Unconditional",
        /// `OnBusy`, 2.
        ON_BUSY = 2 => "OnBusy",
        /// `OnNoAnswer`, 3.
        ON_NO_ANSWER = 3 => "OnNoAnswer",
        /// `OnBusyAndNoAnswer`, 4.
        ON_BUSY_AND_NO_ANSWER = 4 => "OnBusyAndNoAnswer",
        /// `SendAllCalls`, 5.
        SEND_ALL_CALLS = 5 => "SendAllCalls",
    }
}

wire_enum! {
    /// `TTreatmentType`.
    ///
    /// Spec: T-Library reference §3
    pub struct TreatmentType(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `IVR`, 1.
        IVR = 1 => "IVR",
        /// `Music`, 2.
        MUSIC = 2 => "Music",
        /// `RingBack`, 3.
        RING_BACK = 3 => "RingBack",
        /// `Silence`, 4.
        SILENCE = 4 => "Silence",
        /// `Busy`, 5.
        BUSY = 5 => "Busy",
        /// `CollectDigits`, 6.
        COLLECT_DIGITS = 6 => "CollectDigits",
        /// `PlayAnnouncement`, 7.
        PLAY_ANNOUNCEMENT = 7 => "PlayAnnouncement",
        /// `PlayAnnouncementAndDigits`, 8.
        PLAY_ANNOUNCEMENT_AND_DIGITS = 8 => "PlayAnnouncementAndDigits",
        /// `VerifyDigits`, 9.
        VERIFY_DIGITS = 9 => "VerifyDigits",
        /// `RecordUserAnnouncement`, 10.
        RECORD_USER_ANNOUNCEMENT = 10 => "RecordUserAnnouncement",
        /// `DeleteUserAnnouncement`, 11.
        DELETE_USER_ANNOUNCEMENT = 11 => "DeleteUserAnnouncement",
        /// `CancelCall`, 12.
        CANCEL_CALL = 12 => "CancelCall",
        /// `PlayApplication`, 13.
        PLAY_APPLICATION = 13 => "PlayApplication",
        /// `SetDefaultRoute`, 14.
        SET_DEFAULT_ROUTE = 14 => "SetDefaultRoute",
        /// `TextToSpeech`, 15.
        TEXT_TO_SPEECH = 15 => "TextToSpeech",
        /// `TextToSpeechAndDigits`, 16.
        TEXT_TO_SPEECH_AND_DIGITS = 16 => "TextToSpeechAndDigits",
        /// `FastBusy`, 17.
        FAST_BUSY = 17 => "FastBusy",
        /// `RAN`, 18.
        RAN = 18 => "RAN",
    }
}

wire_enum! {
    /// `TRouteType`.
    ///
    /// Spec: T-Library reference §3
    pub struct RouteType(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `Default`, 1.
        DEFAULT = 1 => "Default",
        /// `Label`, 2.
        LABEL = 2 => "Label",
        /// `OverwriteDNIS`, 3.
        OVERWRITE_DNIS = 3 => "OverwriteDNIS",
        /// `DDD`, 4.
        DDD = 4 => "DDD",
        /// `IDDD`, 5.
        IDDD = 5 => "IDDD",
        /// `Direct`, 6.
        DIRECT = 6 => "Direct",
        /// `Reject`, 7.
        REJECT = 7 => "Reject",
        /// `Announcement`, 8.
        ANNOUNCEMENT = 8 => "Announcement",
        /// `PostFeature`, 9.
        POST_FEATURE = 9 => "PostFeature",
        /// `DirectAgent`, 10.
        DIRECT_AGENT = 10 => "DirectAgent",
        /// `Priority`, 11.
        PRIORITY = 11 => "Priority",
        /// `DirectPriority`, 12.
        DIRECT_PRIORITY = 12 => "DirectPriority",
        /// `AgentID`, 13.
        AGENT_ID = 13 => "AgentID",
        /// `CallDisconnect`, 14.
        CALL_DISCONNECT = 14 => "CallDisconnect",
    }
}

wire_enum! {
    /// `TXRouteType`.
    ///
    /// Spec: T-Library reference §3
    pub struct XRouteType(i32) {
        /// `Default`, -1.
        DEFAULT = -1 => "Default",
        /// `Route`, 0.
        ROUTE = 0 => "Route",
        /// `Direct`, 1.
        DIRECT = 1 => "Direct",
        /// `Reroute`, 2.
        REROUTE = 2 => "Reroute",
        /// `DirectUUI`, 3.
        DIRECT_UUI = 3 => "DirectUUI",
        /// `DirectANI`, 4.
        DIRECT_ANI = 4 => "DirectANI",
        /// `DirectNoToken`, 5.
        DIRECT_NO_TOKEN = 5 => "DirectNoToken",
        /// `DNISPooling`, 6.
        DNIS_POOLING = 6 => "DNISPooling",
        /// `DirectDigits`, 7.
        DIRECT_DIGITS = 7 => "DirectDigits",
        /// `PullBack`, 8.
        PULL_BACK = 8 => "PullBack",
        /// `ExtProtocol`, 9.
        EXT_PROTOCOL = 9 => "ExtProtocol",
        /// `RouteUUI`, 10.
        ROUTE_UUI = 10 => "RouteUUI",
        /// `DirectNetworkCallID`, 11.
        DIRECT_NETWORK_CALL_ID = 11 => "DirectNetworkCallID",
    }
}

wire_enum! {
    /// `TMediaType`.
    ///
    /// Spec: T-Library reference §3
    pub struct MediaType(i32) {
        /// `Voice`, 0.
        VOICE = 0 => "Voice",
        /// `VoIP`, 1.
        VO_IP = 1 => "VoIP",
        /// `EMail`, 2.
        E_MAIL = 2 => "EMail",
        /// `VMail`, 3.
        V_MAIL = 3 => "VMail",
        /// `SMail`, 4.
        S_MAIL = 4 => "SMail",
        /// `Chat`, 5.
        CHAT = 5 => "Chat",
        /// `Video`, 6.
        VIDEO = 6 => "Video",
        /// `Cobrowsing`, 7.
        COBROWSING = 7 => "Cobrowsing",
        /// `Whiteboard`, 8.
        WHITEBOARD = 8 => "Whiteboard",
        /// `AppSharing`, 9.
        APP_SHARING = 9 => "AppSharing",
        /// `WebForm`, 10.
        WEB_FORM = 10 => "WebForm",
        /// `WorkItem`, 11.
        WORK_ITEM = 11 => "WorkItem",
        /// `Custom0`, 100.
        CUSTOM0 = 100 => "Custom0",
    }
}

wire_enum! {
    /// `TAddressInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct AddressInfoType(i32) {
        /// `AddressStatus`, 0.
        ADDRESS_STATUS = 0 => "AddressStatus",
        /// `MessageWaitingStatus`, 1.
        MESSAGE_WAITING_STATUS = 1 => "MessageWaitingStatus",
        /// `AssociationStatus`, 2.
        ASSOCIATION_STATUS = 2 => "AssociationStatus",
        /// `CallForwardingStatus`, 3.
        CALL_FORWARDING_STATUS = 3 => "CallForwardingStatus",
        /// `AgentStatus`, 4.
        AGENT_STATUS = 4 => "AgentStatus",
        /// `NumberOfAgentsInQueue`, 5.
        NUMBER_OF_AGENTS_IN_QUEUE = 5 => "NumberOfAgentsInQueue",
        /// `NumberOfAvailableAgentsInQueue`, 6.
        NUMBER_OF_AVAILABLE_AGENTS_IN_QUEUE = 6 => "NumberOfAvailableAgentsInQueue",
        /// `NumberOfCallsInQueue`, 7.
        NUMBER_OF_CALLS_IN_QUEUE = 7 => "NumberOfCallsInQueue",
        /// `AddressType`, 8.
        ADDRESS_TYPE = 8 => "AddressType",
        /// `CallsQuery`, 9.
        CALLS_QUERY = 9 => "CallsQuery",
        /// `SendAllCallsStatus`, 10.
        SEND_ALL_CALLS_STATUS = 10 => "SendAllCallsStatus",
        /// `QueueLoginAudit`, 11.
        QUEUE_LOGIN_AUDIT = 11 => "QueueLoginAudit",
        /// `NumberOfIdleClassifiers`, 12.
        NUMBER_OF_IDLE_CLASSIFIERS = 12 => "NumberOfIdleClassifiers",
        /// `NumberOfClassifiersInUse`, 13.
        NUMBER_OF_CLASSIFIERS_IN_USE = 13 => "NumberOfClassifiersInUse",
        /// `NumberOfIdleTrunks`, 14.
        NUMBER_OF_IDLE_TRUNKS = 14 => "NumberOfIdleTrunks",
        /// `NumberOfTrunksInUse`, 15.
        NUMBER_OF_TRUNKS_IN_USE = 15 => "NumberOfTrunksInUse",
        /// `DatabaseValue`, 16.
        DATABASE_VALUE = 16 => "DatabaseValue",
        /// `DNStatus`, 17.
        DN_STATUS = 17 => "DNStatus",
        /// `QueueStatus`, 18.
        QUEUE_STATUS = 18 => "QueueStatus",
    }
}

wire_enum! {
    /// `AddressStatusInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct AddressStatusInfoType(i32) {
        /// `Idle`, 0.
        IDLE = 0 => "Idle",
        /// `Origination`, 1.
        ORIGINATION = 1 => "Origination",
        /// `Dialing`, 2.
        DIALING = 2 => "Dialing",
        /// `Talking`, 3.
        TALKING = 3 => "Talking",
        /// `Ringing`, 4.
        RINGING = 4 => "Ringing",
        /// `Held`, 5.
        HELD = 5 => "Held",
        /// `Treatment`, 6.
        TREATMENT = 6 => "Treatment",
        /// `LockedOut`, 7.
        LOCKED_OUT = 7 => "LockedOut",
        /// `Maintenance`, 8.
        MAINTENANCE = 8 => "Maintenance",
        /// `Available`, 9.
        AVAILABLE = 9 => "Available",
        /// `Vacant`, 10.
        VACANT = 10 => "Vacant",
    }
}

wire_enum! {
    /// `AssociationInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct AssociationInfoType(i32) {
        /// `ToThisSession`, 0.
        TO_THIS_SESSION = 0 => "ToThisSession",
        /// `ToAnotherSession`, 1.
        TO_ANOTHER_SESSION = 1 => "ToAnotherSession",
        /// `NotAssociated`, 2.
        NOT_ASSOCIATED = 2 => "NotAssociated",
        /// `NotAllowed`, 3.
        NOT_ALLOWED = 3 => "NotAllowed",
    }
}

wire_enum! {
    /// `MsgWaitingInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct MsgWaitingInfoType(i32) {
        /// `Activated`, 0.
        ACTIVATED = 0 => "Activated",
        /// `Deactivated`, 1.
        DEACTIVATED = 1 => "Deactivated",
        /// `ExecActivated`, 2.
        EXEC_ACTIVATED = 2 => "ExecActivated",
        /// `ExecDeactivated`, 3.
        EXEC_DEACTIVATED = 3 => "ExecDeactivated",
        /// `NotAllowed`, 4.
        NOT_ALLOWED = 4 => "NotAllowed",
    }
}

wire_enum! {
    /// `TCallInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct CallInfoType(i32) {
        /// `PartiesQuery`, 0.
        PARTIES_QUERY = 0 => "PartiesQuery",
        /// `StatusQuery`, 1.
        STATUS_QUERY = 1 => "StatusQuery",
    }
}

wire_enum! {
    /// `TSwitchInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct SwitchInfoType(i32) {
        /// `Unused`, 0.
        UNUSED = 0 => "Unused",
        /// `DateTime`, 1.
        DATE_TIME = 1 => "DateTime",
        /// `ClassifierStat`, 2.
        CLASSIFIER_STAT = 2 => "ClassifierStat",
    }
}

wire_enum! {
    /// `TLocationInfoType`.
    ///
    /// Spec: T-Library reference §3
    pub struct LocationInfoType(i32) {
        /// `AllLocations`, 0.
        ALL_LOCATIONS = 0 => "AllLocations",
        /// `LocationData`, 1.
        LOCATION_DATA = 1 => "LocationData",
        /// `MonitorLocation`, 2.
        MONITOR_LOCATION = 2 => "MonitorLocation",
        /// `CancelMonitorLocation`, 3.
        CANCEL_MONITOR_LOCATION = 3 => "CancelMonitorLocation",
        /// `MonitorAllLocations`, 4.
        MONITOR_ALL_LOCATIONS = 4 => "MonitorAllLocations",
        /// `CancelMonitorAllLocations`, 5.
        CANCEL_MONITOR_ALL_LOCATIONS = 5 => "CancelMonitorAllLocations",
        /// `LocationMonitorCanceled`, 6.
        LOCATION_MONITOR_CANCELED = 6 => "LocationMonitorCanceled",
        /// `AllLocationsMonitorCanceled`, 7.
        ALL_LOCATIONS_MONITOR_CANCELED = 7 => "AllLocationsMonitorCanceled",
    }
}

wire_enum! {
    /// `TMonitorNextCallType`.
    ///
    /// Spec: T-Library reference §3
    pub struct MonitorNextCallType(i32) {
        /// `OneCall`, 0.
        ONE_CALL = 0 => "OneCall",
        /// `AllCalls`, 1.
        ALL_CALLS = 1 => "AllCalls",
    }
}

wire_enum! {
    /// `TAgentType`.
    ///
    /// Spec: T-Library reference §3
    pub struct AgentType(i32) {
        /// `Agent`, 0.
        AGENT = 0 => "Agent",
        /// `Supervisor`, 1.
        SUPERVISOR = 1 => "Supervisor",
    }
}

wire_enum! {
    /// `TInterruptFlag`.
    ///
    /// Spec: T-Library reference §3
    pub struct InterruptFlag(i32) {
        /// `Uninterruptable`, 1.
        UNINTERRUPTABLE = 1 => "Uninterruptable",
        /// `Interruptable`, 2.
        INTERRUPTABLE = 2 => "Interruptable",
    }
}

wire_enum! {
    /// `TClearFlag`.
    ///
    /// Spec: T-Library reference §3
    pub struct ClearFlag(i32) {
        /// `Clear`, 1.
        CLEAR = 1 => "Clear",
        /// `NotClear`, 2.
        NOT_CLEAR = 2 => "NotClear",
    }
}

wire_enum! {
    /// `TNetworkCallState`.
    ///
    /// Spec: T-Library reference §3
    pub struct NetworkCallState(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `Consulting`, 1.
        CONSULTING = 1 => "Consulting",
        /// `ConsultHeld`, 2.
        CONSULT_HELD = 2 => "ConsultHeld",
        /// `Transferred`, 3.
        TRANSFERRED = 3 => "Transferred",
        /// `Conferenced`, 4.
        CONFERENCED = 4 => "Conferenced",
        /// `Reconnected`, 5.
        RECONNECTED = 5 => "Reconnected",
        /// `Disconnected`, 6.
        DISCONNECTED = 6 => "Disconnected",
        /// `Null`, 7.
        NULL = 7 => "Null",
    }
}

wire_enum! {
    /// `TNetworkDestState`.
    ///
    /// Spec: T-Library reference §3
    pub struct NetworkDestState(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `Routing`, 1.
        ROUTING = 1 => "Routing",
        /// `Delivering`, 2.
        DELIVERING = 2 => "Delivering",
        /// `NoParty`, 3.
        NO_PARTY = 3 => "NoParty",
        /// `Ok`, 4.
        OK = 4 => "Ok",
    }
}

wire_enum! {
    /// `TNetworkPartyRole`.
    ///
    /// Spec: T-Library reference §3
    pub struct NetworkPartyRole(i32) {
        /// `Unknown`, 0.
        UNKNOWN = 0 => "Unknown",
        /// `OrigParty`, 1.
        ORIG_PARTY = 1 => "OrigParty",
        /// `DestParty`, 2.
        DEST_PARTY = 2 => "DestParty",
    }
}

wire_enum! {
    /// `TKVType`.
    ///
    /// Spec: T-Library reference §3
    pub struct KvType(i32) {
        /// `String`, 0.
        STRING = 0 => "String",
        /// `Int`, 1.
        INT = 1 => "Int",
        /// `Binary`, 2.
        BINARY = 2 => "Binary",
        /// `List`, 3.
        LIST = 3 => "List",
        /// `Unicode`, 4.
        UNICODE = 4 => "Unicode",
    }
}

wire_enum! {
    /// `TOpenMode`.
    ///
    /// Spec: T-Library reference §3
    pub struct OpenMode(i32) {
        /// `Sync`, 0.
        SYNC = 0 => "Sync",
        /// `Async`, 1.
        ASYNC = 1 => "Async",
    }
}
wire_enum! {
    /// `XKVType`: element types of connection-layer lists.
    ///
    /// Spec: T-Library reference §3
    pub struct XkvType(i32) {
        /// `String`, 0.
        STRING = 0 => "String",
        /// `Int`, 1.
        INT = 1 => "Int",
        /// `Binary`, 2.
        BINARY = 2 => "Binary",
        /// `List`, 3.
        LIST = 3 => "List",
        /// `Empty`, 4.
        EMPTY = 4 => "Empty",
        /// `Unicode`, 5.
        UNICODE = 5 => "Unicode",
        /// `Long`, 6.
        LONG = 6 => "Long",
        /// `Float`, 7.
        FLOAT = 7 => "Float",
        /// `Enum`, 8.
        ENUM = 8 => "Enum",
    }
}

wire_enum! {
    /// `ErrorCode` of an `EventError`. Codes from about 60 upward are switch specific.
    ///
    /// Spec: T-Library reference §3.1
    pub struct ErrorCode(i32) {
        /// No more licenses, 40.
        NO_MORE_LICENSES = 40 => "No more licenses",
        /// Client has not registered for the DN, 41.
        NOT_REGISTERED = 41 => "Client has not registered for the DN",
        /// Resource is already seized, 42.
        RESOURCE_SEIZED = 42 => "Resource is already seized",
        /// Object is already in the requested state, 43.
        ALREADY_IN_STATE = 43 => "Object is already in the requested state",
        /// Unknown error, 50.
        UNKNOWN_ERROR = 50 => "Unknown error",
        /// Operation not supported, 51.
        NOT_SUPPORTED = 51 => "Operation not supported",
        /// Internal error, 52.
        INTERNAL_ERROR = 52 => "Internal error",
        /// Invalid attribute in request, 53.
        INVALID_ATTRIBUTE = 53 => "Invalid attribute in request",
        /// No connection to the switch, 54.
        NO_SWITCH = 54 => "No connection to the switch",
        /// Incorrect protocol version, 55.
        WRONG_PROTOCOL_VERSION = 55 => "Incorrect protocol version",
        /// Invalid connection id, 56.
        INVALID_CONN_ID = 56 => "Invalid connection id",
        /// Timeout expired, 57.
        TIMEOUT = 57 => "Timeout expired",
        /// Out of service, 58.
        OUT_OF_SERVICE = 58 => "Out of service",
        /// DN is not configured in CME, 59.
        DN_NOT_CONFIGURED = 59 => "DN is not configured in CME",
        /// Invalid called DN, 71.
        INVALID_CALLED_DN = 71 => "Invalid called DN",
        /// Set is in wrong state for invocation, 185.
        WRONG_SET_STATE = 185 => "Set is in wrong state for invocation",
        /// Agent ID is invalid, 192.
        INVALID_AGENT_ID = 192 => "Agent ID is invalid",
        /// Request received in an invalid state, 506.
        INVALID_STATE = 506 => "Request received in an invalid state",
        /// Request incompatible with object, 1141.
        INCOMPATIBLE_OBJECT = 1141 => "Request incompatible with object",
        /// Incorrect object state, 1161.
        WRONG_OBJECT_STATE = 1161 => "Incorrect object state",
        /// Agent reservation refused, 1700.
        RESERVATION_REFUSED = 1700 => "Agent reservation refused",
        /// Agent reserved by another client, 1701.
        RESERVED_BY_ANOTHER = 1701 => "Agent reserved by another client",
    }
}

impl AgentWorkMode {
    /// Alias of [`AgentWorkMode::AUTO_IN`]: what the value 2 means in an `EventAgentNotReady`.
    pub const LEGAL_GUARD: Self = Self::AUTO_IN;
}

impl NetworkDestState {
    /// Alias of [`NetworkDestState::NO_PARTY`].
    pub const FAILED: Self = Self::NO_PARTY;
}
